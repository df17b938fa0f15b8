"""What a plugin adds to the command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def _is_name(_: object, __: attrs.Attribute[str], value: str) -> None:
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} cannot be a command's name: it is lower-case words with dashes between them")


@attrs.frozen(kw_only=True)
class CliCommand(Frozen):
    """A command of ``cog``; how it reads its words is its own business.

    Attributes:
        name: What is written after ``cog``. A name of ours never becomes anybody else's.
        summary: One line for a listing.
        run: Called with the words after the name, ``--help`` among them; returns the exit code, None for 0. What it
            raises of :mod:`cog_core.errors` is shown as errors of ours are.
    """

    name: str = attrs.field(validator=_is_name)
    summary: str
    run: Callable[[Sequence[str]], int | None]
