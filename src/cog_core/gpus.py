"""Which GPUs a container gets, as ``docker run --gpus`` takes it."""

from __future__ import annotations

import re
from typing import Final

import attrs

from cog_core.errors import UsageError
from cog_oci.frozen import Frozen

_DEVICE: Final = re.compile(r"[A-Za-z0-9:._-]+")
_FORMS: Final = "Write all, a number, or device=0,1."


@attrs.frozen(kw_only=True)
class Gpus(Frozen):
    """Some GPUs of a machine.

    Attributes:
        count: How many; None: all, or those that ``devices`` names.
        devices: Numbers or ids.
        if_any: Do without when there are none.
    """

    count: int | None = None
    devices: tuple[str, ...] = ()
    if_any: bool = False

    @classmethod
    def parse(cls, text: str) -> Gpus:
        """Read ``all``, ``auto`` (all, if there are any), a number, ``count=2`` or ``device=0,1``, quoted or not.

        Raises:
            UsageError: It has another form.
        """
        plain = text.strip().strip('"').strip()
        key, _, value = plain.partition("=") if "=" in plain else ("count", "=", plain)
        if key == "device" and all(map(_DEVICE.fullmatch, value.split(","))):
            return cls(devices=tuple(value.split(",")))
        if key == "count" and value in {"all", "auto"}:
            return cls(if_any=value == "auto")
        if key == "count" and re.fullmatch(r"[0-9]{1,4}", value):
            return cls(count=int(value))
        raise UsageError(f"invalid --gpus {text!r}", hint=_FORMS)
