"""Locks on disk: the cache, and ``cog.lock`` in a project. Neither holds the address of an index or a credential.

``cog.lock`` is JSON: ``version``, and ``targets`` sorted by Python and platform, each with ``python``, ``platform``,
the ``requirements`` that it answers, ``packages`` (``name``, ``version`` or the ``url`` that the author wrote,
``hashes``), ``built`` (lines that the image builds) and ``dropped`` (packages that every image has).
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core.errors import LockError, Origin
from cog_core.lock.locked import LockedPackage, Resolution
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from pathlib import Path

LOCK_FILE: Final = "cog.lock"
LOCK_VERSION: Final = 1
_LARGEST = 16 * 1024 * 1024


@attrs.frozen(kw_only=True)
class LockTarget(Frozen):
    """A lock, and what it is the answer to.

    Attributes:
        python: Series such as ``3.13``.
        platform: Such as ``linux/amd64``.
        requirements: What was asked for, sorted, without credentials.
    """

    python: str
    platform: str
    requirements: tuple[str, ...]
    resolution: Resolution


def to_json(targets: tuple[LockTarget, ...]) -> str:
    """Return the text of a lock file."""
    ordered = sorted(targets, key=lambda target: (target.python, target.platform))
    document = {"version": LOCK_VERSION, "targets": [_plain(target) for target in ordered]}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str, *, file: str = LOCK_FILE) -> tuple[LockTarget, ...]:
    """Read the text of a lock file.

    Raises:
        LockError: It is none, or one of another version.
    """
    try:
        document = json.loads(text)
        if document["version"] == LOCK_VERSION:
            return tuple(_target(target) for target in document["targets"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _unreadable(file, "it is not a lock file") from error
    raise _unreadable(file, f"version {document['version']!r} is not supported, only {LOCK_VERSION}")


def read(path: Path) -> tuple[LockTarget, ...] | None:
    """Read a lock file; None when there is none.

    Raises:
        LockError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path.name, str(error.strerror)) from error
    if len(data) > _LARGEST:
        raise _unreadable(path.name, f"it is larger than {_LARGEST} bytes")
    return from_json(data.decode("utf-8", "replace"), file=path.name)


def write(path: Path, targets: tuple[LockTarget, ...]) -> None:
    """Write a lock file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with temporary.open("x", encoding="utf-8") as stream:
            stream.write(to_json(targets))
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _plain(target: LockTarget) -> dict[str, Any]:
    found = target.resolution
    return {
        "python": target.python,
        "platform": target.platform,
        "requirements": list(target.requirements),
        "packages": [_package(package) for package in found.packages],
        "built": [list(pair) for pair in found.built],
        "dropped": [list(pair) for pair in found.dropped],
    }


def _package(package: LockedPackage) -> dict[str, Any]:
    value = {"name": package.name, "version": package.version, "url": package.url, "hashes": list(package.hashes)}
    return {key: item for key, item in value.items() if item is not None}


def _target(document: Any) -> LockTarget:
    packages = (
        LockedPackage(
            name=_line(each["name"]),
            version=_line(each["version"]) if "version" in each else None,
            url=_line(each["url"]) if "url" in each else None,
            hashes=tuple(map(_line, each["hashes"])),
        )
        for each in document["packages"]
    )
    return LockTarget(
        python=_line(document["python"]),
        platform=_line(document["platform"]),
        requirements=tuple(map(_line, document["requirements"])),
        resolution=Resolution(
            packages=tuple(packages),
            built=tuple((_line(name), _line(line)) for name, line in document["built"]),
            dropped=tuple((_line(name), _line(by)) for name, by in document["dropped"]),
        ),
    )


def _line(value: Any) -> str:
    """Return a text that can stand in a line of a requirements file and is nothing else."""
    if not isinstance(value, str) or "\n" in value or "\r" in value or value.startswith("-"):
        raise TypeError(f"not a line: {value!r}")
    return value


def _unreadable(file: str, why: str) -> LockError:
    return LockError(f"cannot use {file}: {why}", hint=f"Delete {file} to lock anew.", origin=Origin(file=file))
