"""What the contract is run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_core.settings import Settings
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.backend import BackendInfo
    from cog_core.ir.steps import Base


@attrs.frozen(kw_only=True)
class Subject(Frozen):
    """A backend, and what its images may stand on.

    Attributes:
        info: The backend as its plugin registers it.
        base: What plans stand on. An image needs ``/bin/sh``, ``cat``, ``chmod``, ``id``, ``ls``, ``mkdir`` and
            ``sleep`` when the backend runs commands, and ``ssh-add`` to ask SSH agents; a small one makes the checks
            quick. Name its Python (``ImageBase(python=...)``) if it has one: some checks need it.
        settings: Passed to the backend; the environment's own by default.
        foreign_base: What plans for another platform (arm64, or amd64 where the checks run on arm64) stand on; by
            default the same; where that is for one platform only, the check is skipped.
        system_package: A small package of the base's distribution that can be installed where the checks run.
    """

    info: BackendInfo
    base: Base
    settings: Settings = attrs.field(factory=Settings.from_environ)
    foreign_base: Base | None = None
    system_package: str | None = None
