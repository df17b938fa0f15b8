"""What builders that read Dockerfiles are given: a folder of the build's own, with contexts, rules and secrets."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from typing import TYPE_CHECKING, Final

from cog_core.context import materialise
from cog_core.ir.dockerfile import FILES, FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cog_core.backend import BuildRequest
    from cog_core.context import BuildContext
    from cog_core.ir import Write
    from cog_core.ir.dockerfile import Dockerfile
    from cog_core.settings import Settings

DOCKERFILE: Final = "Dockerfile"
_NANOSECONDS: Final = 1_000_000_000


@contextlib.contextmanager
def workspace(settings: Settings, name: str) -> Iterator[Path]:
    """Yield a new folder in the cache that is gone in the end.

    Args:
        settings: Say where the cache is.
        name: What the folder's name begins with.
    """
    parent = settings.cache / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / f"{name}-{os.urandom(8).hex()}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_ignore_file(folder: Path, context: BuildContext) -> None:
    """Write the context's rules where BuildKit looks for them first: beside the Dockerfile, not in the project."""
    text = context.rules.text
    (folder / f"{DOCKERFILE}.dockerignore").write_text(text, "utf-8", "surrogateescape")


def stage_folders(dockerfile: Dockerfile, request: BuildRequest, folder: Path) -> dict[str, Path]:
    """Return a folder for every context but the project.

    A context without rules is its own folder; others are laid out with hard links, since a builder would not
    apply our rules to a named context.
    """
    folders: dict[str, Path] = {}
    for name in dockerfile.contexts:
        if name == FILES:
            folders[name] = _write_files(dockerfile, folder / FILES, request.plan.created)
        elif name == FOLDER:
            folders[name] = folder / FOLDER
            folders[name].mkdir()
        elif request.contexts[name].rules.lines:
            folders[name] = folder / name
            materialise(request.contexts[name], folders[name])
        else:
            folders[name] = request.contexts[name].root
    return folders


def secret_files(request: BuildRequest, folder: Path) -> dict[str, Path]:
    """Write the build's secrets as files that nobody else may read, and return them by id."""
    home = folder / "secrets"
    home.mkdir(mode=0o700)
    files: dict[str, Path] = {}
    for name, secret in request.secrets.items():
        files[name] = home / name
        files[name].touch(mode=0o600)
        files[name].write_bytes(secret.read())
    return files


def write_file(file: Write, path: Path, mtime: int) -> None:
    """Write a generated file with a given time, whose fraction of a second follows from the content.

    BuildKit sends a file anew when its size or its time changed, and takes what it has otherwise; layers hold
    whole seconds.
    """
    path.write_text(file.content, "utf-8", newline="")
    path.chmod(file.mode)
    fraction = int(hashlib.sha256(file.content.encode()).hexdigest(), 16) % _NANOSECONDS
    os.utime(path, ns=(time := mtime * _NANOSECONDS + fraction, time))


def _write_files(dockerfile: Dockerfile, folder: Path, mtime: int) -> Path:
    for file in dockerfile.files:
        path = folder / file.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, path, mtime)
    return folder
