"""What a build can consist of: primitive steps, and meaningful ones that a backend may take as they are.

A primitive step is one Dockerfile instruction. A meaningful step says what is wanted and leaves the how to the
backend, or to :func:`cog_core.ir.lower.lower`, which turns it into primitive ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.errors import Origin
    from cog_core.values import PythonVersion

Pairs: TypeAlias = "tuple[tuple[str, str], ...]"

PROJECT = "project"
"""Context that holds the author's files."""
WEIGHTS = "weights"
"""Context that holds the author's large files."""
RUNTIME = "runtime"
"""Context that holds the prepared runtime bundle."""


def _absolute(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not value.startswith("/") or "\0" in value or "\n" in value:
        raise ValueError(f"{attribute.name} must be an absolute path on one line, not {value!r}")


def _inside_context(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value.startswith("/") or ".." in value.split("/") or "\n" in value:
        raise ValueError(f"{attribute.name} must stay inside its context, not {value!r}")


def _one_line_pairs(_: object, attribute: attrs.Attribute[Pairs], value: Pairs) -> None:
    for name, text in value:
        if not name or "=" in name or "\n" in name or "\n" in text or "\0" in text:
            raise ValueError(f"{attribute.name}: {name!r} cannot be an environment variable of an image")


@attrs.frozen(kw_only=True)
class CacheMount(Frozen):
    """A folder that survives from build to build and is never part of the image."""

    id: str
    target: str = attrs.field(validator=_absolute)
    shared: bool = True


@attrs.frozen(kw_only=True)
class SecretMount(Frozen):
    """A secret as a file for the time of one command.

    Attributes:
        id: Name of the secret in the build request.
        target: Where the command finds it.
        required: Fail when the request has no such secret; otherwise the file is simply not there.
    """

    id: str
    target: str = attrs.field(validator=_absolute)
    required: bool = True


@attrs.frozen(kw_only=True)
class BindMount(Frozen):
    """A part of a context, readable for the time of one command."""

    context: str
    source: str = attrs.field(validator=_inside_context)
    target: str = attrs.field(validator=_absolute)


@attrs.frozen(kw_only=True)
class SshMount(Frozen):
    """The socket of an SSH agent for the time of one command, which finds it by ``SSH_AUTH_SOCK``.

    Attributes:
        id: Name of the agent in the build request.
    """

    id: str = "default"


Mount: TypeAlias = "CacheMount | SecretMount | SshMount | BindMount"


@attrs.frozen(kw_only=True)
class _Step(Frozen):
    origin: Origin | None = attrs.field(default=None, eq=False)


@attrs.frozen(kw_only=True)
class Run(_Step):
    """Run a shell script in the image, as ``/bin/sh -c`` does."""

    script: str
    mounts: tuple[Mount, ...] = ()


@attrs.frozen(kw_only=True)
class Copy(_Step):
    """Copy files of a context into the image; a folder's content goes into the target folder.

    Attributes:
        context: Name of a context of the build request.
        source: Path inside the context; ``.`` for all of it.
        target: Absolute path in the image; a folder when the source is one.
        independent: The files do not depend on the layers below (``COPY --link``), so that their layer can be shared.
    """

    context: str = PROJECT
    source: str = attrs.field(default=".", validator=_inside_context)
    target: str = attrs.field(validator=_absolute)
    independent: bool = False


@attrs.frozen(kw_only=True)
class Write(_Step):
    """Write a generated file, whose content travels in the plan."""

    path: str = attrs.field(validator=_absolute)
    content: str = attrs.field(repr=False)
    mode: int = 0o644


@attrs.frozen(kw_only=True)
class Env(_Step):
    """Set environment variables for the steps that follow and for the image."""

    variables: Pairs = attrs.field(validator=_one_line_pairs)


@attrs.frozen(kw_only=True)
class Workdir(_Step):
    """Make a folder if it is not there, and work in it from here on."""

    path: str = attrs.field(validator=_absolute)


@attrs.frozen(kw_only=True)
class User(_Step):
    """Run what follows, and the image, as this user."""

    name: str


@attrs.frozen(kw_only=True)
class SystemPackages(_Step):
    """Install packages of the base's distribution, with their dependencies but without recommendations."""

    names: tuple[str, ...]


@attrs.frozen(kw_only=True)
class PythonPackages(_Step):
    """Install Python packages for the image's interpreter.

    Attributes:
        locked: Requirement lines ``name==version --hash=...``, complete with all dependencies, sorted.
        unlocked: Lines that only the image can build: source archives, version control.
        index: Index options as pip writes them, without credentials.
        secrets: Ids of secrets that reach the index: ``cog-netrc``, ``cog-ca-cert``.
    """

    locked: tuple[str, ...] = ()
    unlocked: tuple[str, ...] = ()
    index: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Runtime(_Step):
    """Put the server, the worker and the SDK into the image, from the context ``runtime``.

    Attributes:
        bundle: Digest of the bundle's files, so that equal plans mean equal files.
    """

    bundle: str


@attrs.frozen(kw_only=True)
class Weights(_Step):
    """Copy the author's large files, from the context ``weights``, as layers that code changes do not touch."""

    target: str = attrs.field(validator=_absolute)
    paths: tuple[str, ...]


Step: TypeAlias = "Run | Copy | Write | Env | Workdir | User | SystemPackages | PythonPackages | Runtime | Weights"
PRIMITIVE = (Run, Copy, Write, Env, Workdir, User)


@attrs.frozen(kw_only=True)
class PythonBase(Frozen):
    """A base that is only meant: whatever gives this Python on this backend."""

    version: PythonVersion
    origin: Origin | None = attrs.field(default=None, eq=False)


@attrs.frozen(kw_only=True)
class ImageBase(Frozen):
    """A base by name: an image reference, ``oci:DIR[:TAG]`` or ``docker-archive:FILE``.

    Attributes:
        reference: What was asked for.
        python: Python that the image is known or believed to hold, when anything depends on it.
    """

    reference: str
    python: PythonVersion | None = None
    origin: Origin | None = attrs.field(default=None, eq=False)


Base: TypeAlias = "PythonBase | ImageBase"
