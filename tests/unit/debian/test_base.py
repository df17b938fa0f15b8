from __future__ import annotations

import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cog_backends.oci.debian.base import plan_base, prepare_base
from cog_backends.oci.debian.doors import Doors
from cog_backends.oci.debian.sources import find_mirrors
from cog_backends.oci.debian.system import install_packages
from cog_core.errors import ResolveError, UnsupportedPlan
from cog_core.settings import Settings
from cog_core.values import EPOCH, Platform, PythonVersion
from cog_oci.layers import pack
from cog_oci.whiteouts import is_marker

if TYPE_CHECKING:
    from cog_oci.entries import Entry

_ROOT = Path("/")
_EXPECTED = (
    *("bin/sh", "usr/bin/ls", "usr/local/bin/python", "usr/bin/pip3"),
    *("etc/ld.so.cache", "usr/lib/ssl/cert.pem", "usr/lib/x86_64-linux-gnu/libstdc++.so.6"),
)


def _doors(cache: Path, **more: str) -> tuple[Settings, Doors]:
    settings = Settings.from_environ({"HOME": "/nowhere", "COG_CACHE_DIR": str(cache), **more})
    return settings, Doors.of_settings(settings, root=_ROOT)


@pytest.mark.parametrize("version", ["3.8", "3.10", "3.12"])
def test_a_python_that_debian_does_not_have_names_those_that_it_has(version: str, tmp_path: Path) -> None:
    _, doors = _doors(tmp_path)

    with pytest.raises(ResolveError) as caught:
        plan_base(PythonVersion.parse(version), Platform(), mirrors=(), doors=doors)

    assert "3.11, 3.13, 3.14" in (caught.value.hint or "")


def test_a_machine_without_a_mirror_says_so(tmp_path: Path) -> None:
    _, doors = _doors(tmp_path)

    with pytest.raises(ResolveError, match="no Debian mirror"):
        plan_base(PythonVersion(3, 11), Platform(), mirrors=(), doors=doors)


def test_another_operating_system_is_refused(tmp_path: Path) -> None:
    _, doors = _doors(tmp_path)

    with pytest.raises(UnsupportedPlan):
        plan_base(PythonVersion(3, 11), Platform("windows"), mirrors=(), doors=doors)


@pytest.mark.engine("debian")
def test_a_real_base_has_a_shell_a_python_and_a_database(
    tmp_path: Path, shared_cog_cache: Path, debian_mirror: str
) -> None:
    settings, doors = _doors(shared_cog_cache, COG_DEBIAN_MIRROR=debian_mirror)
    mirrors = find_mirrors(settings, root=_ROOT)

    base = prepare_base(PythonVersion(3, 11), Platform(), mirrors=mirrors, doors=doors)
    again = prepare_base(PythonVersion(3, 11), Platform(), mirrors=mirrors, doors=doors)
    layer = install_packages(base, ("curl",), doors=doors)

    assert (base.entries, base.key) == (again.entries, again.key)
    assert base.layout.purelib == "/usr/local/lib/python3.11/dist-packages"
    assert {entry.mtime for entry in (*base.entries, *layer.entries)} == {EPOCH}
    assert any(text.startswith("curl=") for text in layer.packages)
    assert not any(is_marker(entry.path) for entry in layer.entries)
    root = _laid_out(base.entries, tmp_path)
    for path in (
        "bin/sh",
        "usr/bin/ls",
        "usr/local/bin/python",
        "usr/bin/pip3",
        "etc/ld.so.cache",
        "usr/lib/ssl/cert.pem",
    ):
        assert (root / path).is_symlink() or (root / path).is_file(), path
    assert "Status: install ok installed" in (root / "var/lib/dpkg/status").read_text()
    assert not (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").exists()
    assert {entry.path: entry.mode for entry in base.entries}["tmp"] == 0o1777
    assert (root / "etc/ssl/certs/ca-certificates.crt").read_text().count("BEGIN CERTIFICATE") > 100


def _laid_out(entries: tuple[Entry, ...], folder: Path) -> Path:
    with (folder / "base.tar").open("wb") as file:
        pack(entries, file, mtime=EPOCH)
    with tarfile.open(folder / "base.tar") as archive:
        # Debian 12's own Python knows no filters yet.
        archive.extractall(folder / "root", **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}))
    return folder / "root"
