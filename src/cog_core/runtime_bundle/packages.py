"""The server's packages, installed by ``uv`` for a Python and a platform that need not be ours."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from cog_core.errors import LockError, ResolveError
from cog_core.process import Command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cog_core.process import Completed, Runner
    from cog_core.values import Platform, PythonVersion

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "ppc64le": "powerpc64le"}
_NOISE = ("RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json", "uv_cache.json", "uv_build.json")
_FOLDERS = ("bin", "etc", "share", "Scripts")


def uv_platform(platform: Platform, libc: str) -> str:
    """Return the platform by the name that ``uv`` knows it by (its ``--python-platform``).

    Raises:
        ResolveError: No wheels are made for it.
    """
    machine = _MACHINES.get(platform.architecture, platform.architecture)
    if platform.os == "darwin":
        return f"{machine}-apple-darwin"
    if platform.os != "linux":
        raise ResolveError(f"no runtime for {platform}", hint="Images are made for Linux.")
    return f"{machine}-unknown-linux-{'musl' if libc == 'musl' else 'gnu'}"


def install(
    target: Path,
    lock: Path,
    *,
    python: PythonVersion,
    platform: str,
    run: Runner,
    environ: Mapping[str, str],
) -> None:
    """Install what the lock names, from uv's cache if it is all there, else from the package index.

    Raises:
        LockError: Something cannot be had.
    """
    arguments = (
        *("pip", "install", "--quiet", "--target", str(target), "--python", sys.executable),
        *("--python-version", python.series, "--python-platform", platform),
        *(
            "--only-binary",
            ":all:",
            "--require-hashes",
            "--no-deps",
            "--link-mode",
            "copy",
            "--requirements",
            str(lock),
        ),
    )
    done = _uv(("--offline", *arguments), run, environ)
    if done.code:
        shutil.rmtree(target, ignore_errors=True)
        done = _uv(arguments, run, environ)
    if done.code:
        raise LockError(
            f"the runtime's packages for Python {python.series} on {platform} cannot be had:\n{done.stderr.strip()}",
            hint="They come from the package index once; afterwards a build works without network.",
        )
    _clean(target)


def _uv(arguments: tuple[str, ...], run: Runner, environ: Mapping[str, str]) -> Completed:
    import uv  # noqa: PLC0415 - only needed when the bundle is made

    # The project of whoever builds must not be found by uv: its settings are about other packages.
    env = {**environ, "UV_NO_PROGRESS": "1", "UV_COMPILE_BYTECODE": "0"}
    return run(Command(argv=(uv.find_uv_bin(), *arguments), env=env))


def _clean(target: Path) -> None:
    """Remove what differs from machine to machine, and what only an installer needs; licences stay."""
    for name in _FOLDERS:
        shutil.rmtree(target / name, ignore_errors=True)
    (target / ".lock").unlink(missing_ok=True)
    for folder in target.glob("*.dist-info"):
        for name in _NOISE:
            (folder / name).unlink(missing_ok=True)
    remove_bytecode(target)


def remove_bytecode(folder: Path) -> None:
    """Remove what interpreters have compiled."""
    for cache in sorted(folder.rglob("__pycache__")):
        shutil.rmtree(cache, ignore_errors=True)
