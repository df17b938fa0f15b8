"""Making a bundle once per runtime, Python and platform, in the user's cache."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from cog_core.errors import ResolveError
from cog_core.runtime_bundle import packages, sources
from cog_core.values import PYTHONS
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_core.process import Runner
    from cog_core.values import Platform, PythonVersion

_FORMAT = 1
"""Grows when the same inputs give other files."""

_FILES, _DIGEST = "files", "digest"


@attrs.frozen(kw_only=True)
class Bundle(Frozen):
    """A prepared bundle.

    Attributes:
        path: Folder with ``server``, ``worker`` and ``sdk``, to be copied to ``/opt/cog``. It holds no bytecode.
        digest: ``sha256:...`` over all paths, modes and contents: equal for equal inputs on every machine.
        key: What the bundle is made from, as one name.
    """

    path: Path
    digest: str
    key: str


def prepare(
    python: PythonVersion,
    platform: Platform,
    *,
    cache: Path,
    run: Runner,
    environ: Mapping[str, str],
    libc: str = "glibc",
    key: str | None = None,
) -> Bundle:
    """Return the bundle for a Python and a platform, making it if the cache has none.

    Several processes may do this at the same time; a bundle that is being made is never seen.

    Args:
        python: Python of the image; its patch level does not matter.
        platform: Where the image runs.
        cache: The user's cache folder.
        run: Starts ``uv``.
        environ: Environment for ``uv``: proxies, indices, its own cache.
        libc: ``glibc`` or ``musl``.
        key: What :func:`key_of` said for the same, when that is known already.

    Raises:
        ResolveError: There is no runtime for this Python or platform.
        LockError: The server's packages cannot be had.
    """
    home = cache / "runtime"
    if key is None or not (home / key / _DIGEST).is_file():
        key = _make(python, platform, libc, home, run=run, environ=environ)
    final = home / key
    # A server that was started from the cache may have left bytecode, which must not get into images.
    packages.remove_bytecode(final / _FILES)
    return Bundle(path=final / _FILES, digest=(final / _DIGEST).read_text("ascii"), key=key)


def _make(
    python: PythonVersion, platform: Platform, libc: str, home: Path, *, run: Runner, environ: Mapping[str, str]
) -> str:
    """Make the bundle of our files as they are now, if the cache has none, and return its key."""
    wheels_for = _wheels_for(python, platform, libc)
    own = sources.own_files()
    key = _key(python, platform, libc, own)
    final = home / key
    if not (final / _DIGEST).is_file():
        home.mkdir(parents=True, exist_ok=True)
        import tempfile  # noqa: PLC0415 - slow to load, and the bundle is made once

        with tempfile.TemporaryDirectory(prefix=".making-", dir=home) as folder:
            making = Path(folder) / "bundle"
            files = making / _FILES
            packages.install(
                files / "server", sources.lock(), python=python, platform=wheels_for, run=run, environ=environ
            )
            _write(files, own)
            _settle_modes(files)
            (making / _DIGEST).write_text(tree_digest(files), "ascii")
            _publish(making, final)
    return key


def key_of(python: PythonVersion, platform: Platform, libc: str = "glibc") -> str:
    """Return the key that the bundle of :func:`prepare` has, without making it: no network, no ``uv``.

    Args:
        python: Python of the image.
        platform: Where the image runs.
        libc: ``glibc`` or ``musl``.

    Raises:
        ResolveError: There is no runtime for this Python or platform.
    """
    _wheels_for(python, platform, libc)
    return _key(python, platform, libc, sources.own_files())


def _wheels_for(python: PythonVersion, platform: Platform, libc: str) -> str:
    if python.series not in PYTHONS:
        raise ResolveError(
            f"no runtime for Python {python.series}", hint=f"Choose one of {', '.join(PYTHONS)} as python_version."
        )
    return packages.uv_platform(platform, libc)


def tree_digest(folder: Path) -> str:
    """Return ``sha256:...`` over the paths, modes and contents of all files of a folder."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(
                f"{path.relative_to(folder).as_posix()}\0{path.stat().st_mode & 0o777:o}\0{content}\n".encode()
            )
    return f"sha256:{total.hexdigest()}"


def _key(python: PythonVersion, platform: Platform, libc: str, own: Mapping[str, bytes]) -> str:
    content = hashlib.sha256(f"{_FORMAT}\n".encode())
    content.update(sources.lock().read_bytes())
    for name, data in own.items():
        content.update(f"\n{name}\0{len(data)}\0".encode())
        content.update(data)
    where = str(platform).replace("/", "-")
    return f"{sources.runtime_version()}-py{python.series}-{where}-{libc}-{content.hexdigest()[:16]}"


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _settle_modes(folder: Path) -> None:
    """Give all files one mode and all folders another, whatever the umask is."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _publish(making: Path, final: Path) -> None:
    try:
        making.rename(final)
    except OSError:
        # Somebody else was faster; theirs is the same.
        if not (final / _DIGEST).is_file():
            raise
