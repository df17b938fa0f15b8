"""Makes layers of a Python base image where no registry can be reached: Debian's base, and a CPython of pyenv."""

from __future__ import annotations

import contextlib
import re
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.engines.machine import Broken, os_release

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.engines.machine import Machine

_BOOTSTRAP = 900.0
_TIME = 1_735_689_600  # one date for all files, so that the same parts give the same layer: 2025-01-01

# What CPython links against, as each release calls it.
_PACKAGES = {
    "bookworm": "libssl3,libffi8,libreadline8,libuuid1,libncursesw6,libexpat1,libsqlite3-0,libbz2-1.0,liblzma5",
    "trixie": "libssl3t64,libffi8,libreadline8t64,libuuid1,libncursesw6,libexpat1,libsqlite3-0,libbz2-1.0,liblzma5",
}
_LEFT_OUT = re.compile(
    r"""(dev|proc|sys|run|tmp)/.* | etc/(hostname|resolv\.conf|machine-id) | var/(cache|log)/.*/.*
    | var/log/[^/]*\.log | var/(cache/apt|lib/apt/lists)/.* | usr/share/(doc|man|info|lintian|locale)/.*
    | (.*/)?__pycache__(/.*)? | .*-old""",
    re.VERBOSE,
)
_PYTHON_LEFT_OUT = ("site-packages", "test", "tests", "idlelib", "__pycache__", "*.a", "share")
_PROGRAMS = re.compile(r"python(3(\.\d+)?)?(-config)?")
_TEXT_WITH_PREFIX = (
    "bin/*-config",
    "lib/pkgconfig/*.pc",
    "lib/python3*/_sysconfigdata*.py",
    "lib/python3*/config-*/*",
)


def find_python(environ: Mapping[str, str], version: str) -> Path | None:
    """Return the folder of pyenv's newest CPython of a version such as ``3.12``; None: it has none."""
    root = Path(environ.get("PYENV_ROOT") or f"{environ.get('HOME', '')}/.pyenv")
    found = (path for path in root.glob(f"versions/{version}.*") if re.fullmatch(r"[\d.]+", path.name))
    return max(found, key=lambda path: [int(part) for part in path.name.split(".")], default=None)


def debian_layer(machine: Machine, mirror: str, file: Path) -> None:
    """Make the layer with Debian's base, of the release that this machine runs.

    Raises:
        Broken: There is no recipe for this release, or debootstrap failed.
    """
    suite = os_release().get("VERSION_CODENAME", "")
    if suite not in _PACKAGES:
        raise Broken(f"no recipe to make a base image on Debian {suite or '(unknown release)'}")
    machine.tell(f"making Debian's base ({suite}) with debootstrap: half a minute, once")
    include = f"--include=ca-certificates,netbase,tzdata,{_PACKAGES[suite]}"
    with _scratch(machine) as scratch:
        argv = ("debootstrap", "--variant=minbase", include, suite, scratch / "root", mirror)
        machine.run(argv, timeout=_BOOTSTRAP)
        _pack(scratch / "root", scratch / "layer.tar", [path.name for path in (scratch / "root").iterdir()])
        (scratch / "layer.tar").replace(file)


def python_layer(machine: Machine, debian: Path, python: Path, file: Path) -> None:
    """Make the layer that turns Debian's base into a Python image, with everything below ``/usr/local``.

    Args:
        machine: Where to do it, as root.
        debian: The layer below.
        python: An installed CPython, from :func:`find_python`.
        file: The layer to write.

    Raises:
        Broken: The copy does not run.
    """
    machine.tell(f"making a base image with CPython {python.name}")
    with _scratch(machine) as scratch:
        root = scratch / "root"
        root.mkdir()
        machine.run(("tar", "-C", root, "-xf", debian))
        local = root / "usr/local"
        shutil.copytree(
            python, local, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_PYTHON_LEFT_OUT)
        )
        _adapt(local, python)
        machine.run(("ldconfig", "-r", root))
        bare = ("env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/root", "LANG=C.UTF-8")
        machine.run(("chroot", root, *bare, "python3", "-B", "-m", "ensurepip", "--default-pip"))
        _pack(root, scratch / "layer.tar", ["usr/local", "etc/ld.so.cache"])
        (scratch / "layer.tar").replace(file)


def _adapt(local: Path, python: Path) -> None:
    for program in (local / "bin").iterdir():
        if not _PROGRAMS.fullmatch(program.name):
            program.unlink()
    for pattern in _TEXT_WITH_PREFIX:
        for path in local.glob(pattern):
            if path.is_file() and not path.is_symlink():
                path.write_bytes(path.read_bytes().replace(str(python).encode(), b"/usr/local"))
    for folder in local.glob("lib/python3*"):
        (folder / "site-packages").mkdir(exist_ok=True)


def _pack(root: Path, file: Path, names: list[str]) -> None:
    def cleaned(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if _LEFT_OUT.fullmatch(member.name) or not (
            member.isfile() or member.isdir() or member.islnk() or member.issym()
        ):
            return None
        member.mtime, member.uname, member.gname = _TIME, "", ""
        return member

    with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as layer:
        for name in sorted(names):
            layer.add(root / name, name, filter=cleaned)


@contextlib.contextmanager
def _scratch(machine: Machine) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="making-", dir=machine.folder("bases")) as folder:
        yield Path(folder)
