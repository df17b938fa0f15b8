"""What packages are locked for: a Python, a processor, and a C library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_core.errors import LockError
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.resolve import ResolvedBuild
    from cog_core.values import Platform, PythonVersion

DEFAULT_GLIBC: Final = (2, 36)
"""glibc of Debian 12, the oldest distribution among our bases.

A lower one would lose wheels that fit (vllm and open3d publish for 2.31 and later only), a higher one would choose
wheels that Debian 12 cannot load.
"""

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_KNOWN_GLIBCS = ((2, 17), (2, 28), *((2, minor) for minor in range(31, 41)))
"""Versions that the resolver has a name for."""
_PATCHES = {"3.8": 20, "3.9": 20, "3.10": 15, "3.11": 2, "3.12": 7, "3.13": 0, "3.14": 0}
"""A patch level that every base of a series has, for packages that refuse an early one.

3.11 is Debian 12's; the others come from registries, where the older series are at their end.
"""


@attrs.frozen(kw_only=True)
class Target(Frozen):
    """What packages are locked for."""

    python: PythonVersion
    platform: Platform
    glibc: tuple[int, int] = DEFAULT_GLIBC

    @classmethod
    def of(
        cls, resolved: ResolvedBuild, *, python: PythonVersion | None = None, glibc: tuple[int, int] = DEFAULT_GLIBC
    ) -> Target:
        """Return the target of a build.

        Args:
            resolved: The build.
            python: What the base's interpreter is, where that is known more exactly.
            glibc: Version of the base's C library, where it is known.
        """
        return cls(python=python or resolved.python, platform=resolved.platform, glibc=glibc)

    @property
    def python_version(self) -> str:
        """The Python with a patch level."""
        patch = _PATCHES.get(self.python.series, 0) if self.python.patch is None else self.python.patch
        return f"{self.python.series}.{patch}"

    @property
    def python_platform(self) -> str:
        """The platform by the name that the resolver has for it, such as ``x86_64-manylinux_2_36``.

        Raises:
            LockError: There are no wheels for such a platform.
        """
        machine = _MACHINES.get(self.platform.architecture)
        if machine is None or self.platform.os != "linux":
            raise LockError(
                f"no Python packages can be locked for {self.platform}", hint="Use linux/amd64 or linux/arm64."
            )
        fitting = [version for version in _KNOWN_GLIBCS if version <= self.glibc]
        if not fitting:
            raise LockError(
                f"no wheels fit a base with glibc {self.glibc[0]}.{self.glibc[1]}", hint="Use a newer base."
            )
        major, minor = fitting[-1]
        return f"{machine}-manylinux{'2014' if minor == 17 else f'_{major}_{minor}'}"

    def __str__(self) -> str:
        """Return what the target is, for messages."""
        return f"Python {self.python.series} on {self.platform}"
