"""Small values that every stage shares: platforms, Python versions, layouts of an interpreter, secrets."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.errors import UsageError
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from pathlib import Path

COMPATIBLE_COG_VERSION: Final = "0.22.0"
"""Version of Replicate's Cog whose behaviour images built here have; services accept only versions they know."""

EPOCH: Final = 315_619_200
"""1980-01-02T00:00:00Z in seconds since 1970: the time of every file that we make.

Earlier times break ``zipfile`` inside models, whose format starts in 1980 (APPNOTE 4.4.6), in any time zone.
"""

PYTHONS: Final = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
"""Python versions that an image may hold."""

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


@attrs.frozen
class Platform(Frozen):
    """An operating system and a processor, by the names of the OCI image specification (config, "Properties")."""

    os: str = "linux"
    architecture: str = "amd64"
    variant: str | None = None

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read ``os/architecture[/variant]``.

        Raises:
            UsageError: The text has another form.
        """
        parts = text.split("/")
        if len(parts) not in {2, 3} or not all(parts):
            raise UsageError(f"invalid platform {text!r}", hint="Write it as linux/amd64 or linux/arm64.")
        return cls(*parts)

    @classmethod
    def of_this_machine(cls) -> Platform:
        """Return the Linux platform that runs on this processor without emulation."""
        machine = os.uname().machine.lower()
        return cls("linux", _ARCHITECTURES.get(machine, machine))

    def __str__(self) -> str:
        """Return ``os/architecture[/variant]``."""
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


@attrs.frozen(order=True)
class PythonVersion:
    """A Python version with or without a patch level, as in ``build.python_version``."""

    major: int
    minor: int
    patch: int | None = attrs.field(default=None, order=False)

    @classmethod
    def parse(cls, text: str) -> PythonVersion:
        """Read ``3.12`` or ``3.12.4``.

        Raises:
            ValueError: The text is no such version.
        """
        match = _VERSION.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"not a Python version: {text!r}")
        major, minor, patch = match.groups()
        return cls(int(major), int(minor), int(patch) if patch else None)

    @property
    def series(self) -> str:
        """The version without its patch level."""
        return f"{self.major}.{self.minor}"

    def __str__(self) -> str:
        """Return the version as it was written."""
        return self.series if self.patch is None else f"{self.series}.{self.patch}"


@attrs.frozen(kw_only=True)
class PythonLayout(Frozen):
    """Where a base image keeps its interpreter.

    Meaningful steps hold no paths; lowering puts these in.

    Attributes:
        version: What the interpreter is.
        interpreter: Absolute path, also the first line of scripts.
        purelib: Where packages are installed so that every interpreter of the image finds them.
        scripts: Where console scripts go.
        libc: ``glibc`` or ``musl``, which decides about the wheels that fit.
    """

    version: PythonVersion
    interpreter: str
    purelib: str
    scripts: str = "/usr/local/bin"
    libc: str = "glibc"

    @classmethod
    def of_official_image(cls, version: PythonVersion) -> PythonLayout:
        """Return the layout of ``python:X.Y-slim``, which compiles Python into /usr/local."""
        return cls(
            version=version,
            interpreter=f"/usr/local/bin/python{version.series}",
            purelib=f"/usr/local/lib/python{version.series}/site-packages",
        )


@attrs.frozen(repr=False)
class Secret(Frozen):
    """Bytes that a build step may read and that must not be seen anywhere else.

    Exactly one of the two fields is set. Neither appears in the representation.
    """

    value: bytes | None = None
    path: Path | None = None

    def read(self) -> bytes:
        """Return the bytes, from memory or from the file."""
        if self.value is not None:
            return self.value
        if self.path is None:
            raise UsageError("a secret needs a value or a file")
        return self.path.read_bytes()

    def __repr__(self) -> str:
        """Return nothing that could end in a log."""
        return "Secret(**********)"


def package_name(text: str) -> str:
    """Return the name of a Python package in the form that compares (PEP 503, "Normalized Names")."""
    return re.sub(r"[-_.]+", "-", text).lower()


def image_name(directory: str) -> str:
    """Return the image name for a project that names none: ``cog-`` and the directory, at most 30 characters.

    The rule is upstream's (reference, section 1.5): lower case, blanks become dashes, other characters than
    letters, digits and dashes go away, and the prefix is not doubled.
    """
    name = re.sub(r"[^a-z0-9-]", "", directory.lower().replace(" ", "-"))
    name = name if name.startswith("cog-") else f"cog-{name}"
    return re.sub(r"-{2,}", "-", name)[:30].rstrip("-")
