"""Locked Python packages as a layer: wheels unpacked by ``uv`` for a Python and a platform that need not be ours."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
import re
import shutil
import sys
from typing import TYPE_CHECKING, Final

import uv

from cog_core.errors import BuildFailed
from cog_core.ir.lower import CA_CERT, NETRC
from cog_core.process import Command
from cog_core.step_files import of_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cog_core.ir import PythonPackages
    from cog_core.process import Runner
    from cog_core.settings import Settings
    from cog_core.values import Platform, PythonLayout, Secret
    from cog_oci.entries import Entry

_MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}
_DATA: Final = ("share", "etc", "include")
"""Folders beside the modules that wheels bring for the interpreter's prefix (PEP 427, "The .data directory")."""
_SHEBANG = re.compile(rb"^#!.*python[^\n]*\n|^#!/bin/sh\n'''exec' [^\n]*\n' '''\n")


def install(
    step: PythonPackages,
    folder: Path,
    *,
    layout: PythonLayout,
    platform: Platform,
    secrets: Mapping[str, Secret],
    settings: Settings,
    run: Runner,
) -> Path:
    """Unpack locked packages into a new folder and return it; hashes are checked.

    Args:
        step: The packages.
        folder: An empty scratch folder.
        layout: The Python they are for.
        platform: The platform they are for.
        secrets: Logins and certificates for the indices.
        settings: Variables of the user.
        run: Starts ``uv``.

    Raises:
        BuildFailed: A package cannot be had, or is not what the lock says.
    """
    target = folder / "site"
    lock = folder / "requirements.txt"
    lock.write_text("\n".join((*step.index, *step.locked, "")), "utf-8")
    libc = "musllinux_1_2" if layout.libc == "musl" else "manylinux_2_36"
    machine = _MACHINES.get(platform.architecture, platform.architecture)
    command = Command(
        argv=(
            *(uv.find_uv_bin(), "pip", "install", "--no-config", "--no-progress", "--color", "never"),
            *("--target", str(target), "--python", sys.executable, "--python-version", layout.version.series),
            *("--python-platform", f"{machine}-{libc}", "--only-binary", ":all:", "--no-deps"),
            *("--require-hashes", "--index-strategy", "unsafe-best-match", "--requirements", str(lock)),
        ),
        cwd=folder,
        env=_environment(settings, secrets, folder),
    )
    done = run(command)
    if done.code:
        lines = command.redact(done.stderr).strip().splitlines()
        raise BuildFailed(
            "Python packages cannot be installed",
            output=tuple(lines[-20:]),
            origin=step.origin,
            hint="If the index no longer has a file of the lock, lock again.",
        )
    target.mkdir(exist_ok=True)
    return target


def of_site(
    site: Path, layout: PythonLayout, *, mtime: int, compiled: Callable[[], None] = lambda: None
) -> tuple[Entry, ...]:
    """Return the entries of unpacked packages: modules, programs and data where the image's Python has them.

    Programs get the image's interpreter as their first line, and the packages' lists of files (``RECORD``) follow.

    Args:
        site: From :func:`install`.
        layout: The image's Python.
        mtime: Time of everything, in seconds since 1970.
        compiled: Adds bytecode to the folder; called when only modules are left in it.
    """
    (site / ".lock").unlink(missing_ok=True)
    scripts = _move_scripts(site, layout)
    prefix = posixpath.dirname(layout.scripts)
    entries: list[Entry] = []
    for name in _DATA:
        data = site / name
        if data.is_dir() and not (data / "__init__.py").exists():
            entries += of_folder(data, f"{prefix}/{name}", mtime=mtime)
            shutil.rmtree(data)
    _settle_records(site, layout, scripts)
    compiled()
    entries += of_folder(site, layout.purelib, mtime=mtime)
    if (programs := site.with_name("scripts")).is_dir():
        entries += of_folder(programs, layout.scripts, mtime=mtime)
    return tuple(entries)


def _move_scripts(site: Path, layout: PythonLayout) -> dict[str, bytes]:
    """Move programs out of the modules' folder, correct their first lines, and return them by name."""
    folder = site / "bin"
    if not folder.is_dir() or (folder / "__init__.py").exists():
        return {}
    target = site.with_name("scripts")
    folder.rename(target)
    found: dict[str, bytes] = {}
    for path in sorted(target.iterdir()):
        if path.is_file():
            data = _SHEBANG.sub(b"#!" + layout.interpreter.encode() + b"\n", path.read_bytes(), count=1)
            path.unlink()  # it may be shared with uv's cache
            path.write_bytes(data)
            path.chmod(0o755)
            found[path.name] = data
    return found


def _settle_records(site: Path, layout: PythonLayout, scripts: Mapping[str, bytes]) -> None:
    """Write the packages' lists of files anew, with the programs' new place, digests and sizes (PEP 376, PEP 627)."""
    to_scripts = posixpath.relpath(layout.scripts, layout.purelib)
    to_prefix = posixpath.relpath(posixpath.dirname(layout.scripts), layout.purelib)
    for record in sorted(site.glob("*.dist-info/RECORD")):
        rows = list(csv.reader(io.StringIO(record.read_text("utf-8"))))
        settled = sorted(_row(row, scripts, to_scripts, to_prefix, site) for row in rows if row and row[0])
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(settled)
        record.unlink()
        record.write_text(out.getvalue(), "utf-8")


def _row(
    row: list[str], scripts: Mapping[str, bytes], to_scripts: str, to_prefix: str, site: Path
) -> tuple[str, ...]:
    path = row[0]
    folder, _, name = path.partition("/")
    if folder == "bin" and name in scripts:
        data = scripts[name]
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        return (f"{to_scripts}/{name}", f"sha256={digest}", str(len(data)))
    if folder in _DATA and not (site / path).exists():
        return (f"{to_prefix}/{path}", *row[1:])
    return tuple(row)


def _environment(settings: Settings, secrets: Mapping[str, Secret], folder: Path) -> dict[str, str]:
    """Return uv's environment; what would change its choices unseen stays out, the lock and its options decide."""
    kept = {
        name: value
        for name, value in settings.environ.items()
        if not name.startswith("UV_") or name in {"UV_CACHE_DIR", "UV_OFFLINE", "UV_HTTP_TIMEOUT", "UV_NATIVE_TLS"}
    }
    added = {"UV_CACHE_DIR": str(settings.cache / "uv")} | kept | {"UV_COMPILE_BYTECODE": "0"}
    for name, variable in ((NETRC, "NETRC"), (CA_CERT, "SSL_CERT_FILE")):
        if name in secrets:
            file = folder / name
            file.touch(mode=0o600)
            file.write_bytes(secrets[name].read())
            added[variable] = str(file)
    return added
