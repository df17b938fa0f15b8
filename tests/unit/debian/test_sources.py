from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.oci.debian.aptconf import parse_apt_conf, proxy_for
from cog_backends.oci.debian.sources import (
    find_mirrors,
    mirrors_of,
    parse_deb822_sources,
    parse_one_line_sources,
)
from cog_core.errors import UsageError
from cog_core.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def _settings(**more: str) -> Settings:
    return Settings.from_environ({"HOME": "/nowhere", **more})


def _machine(folder: Path, system: str, sources: str) -> Path:
    (folder / "etc/apt").mkdir(parents=True)
    (folder / "etc/os-release").write_text(f"NAME=x\nID={system}\n")
    (folder / "etc/apt/sources.list").write_text(sources)
    return folder


def test_both_forms_of_sources_mean_the_same() -> None:
    one_line = "# deb http://no x main\ndeb [signed-by=/k arch=amd64] http://mirror/debian/ bookworm main contrib\n"
    paragraphs = "Types: deb deb-src\nURIs: http://mirror/debian\nSuites: bookworm\nComponents: main contrib\n"

    assert list(parse_one_line_sources(one_line)) == list(parse_deb822_sources(paragraphs))


def test_disabled_and_foreign_sources_are_left_out() -> None:
    text = (
        "Enabled: no\nTypes: deb\nURIs: http://m\nSuites: sid\nComponents: main\n\nTypes: deb-src\nURIs: http://m\n"
    )

    assert list(parse_deb822_sources(text)) == []
    assert list(parse_one_line_sources("deb cdrom:[x]/ sid main\ndeb-src http://m sid main\n")) == []


def test_a_mirror_is_an_archive_with_its_updates_and_security() -> None:
    lines = "deb http://a bookworm main\ndeb http://a bookworm-updates main\ndeb http://s bookworm-security main\n"
    (mirror,) = mirrors_of(tuple(parse_one_line_sources(lines + "deb http://other stable-vendor main\n")))

    assert mirror.suites("trixie") == (
        ("http://a", "trixie"),
        ("http://a", "trixie-updates"),
        ("http://s", "trixie-security"),
    )
    assert mirror.suites("sid") == (("http://a", "sid"),)


def test_the_sources_of_another_distribution_are_not_used(tmp_path: Path) -> None:
    sources = "deb http://mirror/debian bookworm main\n"

    assert len(find_mirrors(_settings(), root=_machine(tmp_path / "debian", "debian", sources))) == 1
    assert find_mirrors(_settings(), root=_machine(tmp_path / "ubuntu", "ubuntu", sources)) == ()
    assert find_mirrors(_settings(), root=tmp_path) == ()


def test_a_mirror_in_the_settings_is_the_only_one(tmp_path: Path) -> None:
    (mirror,) = find_mirrors(_settings(COG_DEBIAN_MIRROR="https://me:secret@here/debian/"), root=tmp_path)

    assert mirror.archive == "https://me:secret@here/debian"
    assert mirror.security == "https://me:secret@here/debian-security"
    assert "secret" not in repr(mirror)


def test_a_mirror_that_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        find_mirrors(_settings(COG_DEBIAN_MIRROR="here/debian"), root=tmp_path)


def test_the_proxy_of_apt_is_found_by_host() -> None:
    conf = parse_apt_conf(
        'Acquire { http { Proxy "http://p:1"; Proxy::near "DIRECT"; }; }; // no\n#clear Acquire::x;'
    )

    assert proxy_for("http", "far", conf) == "http://p:1"
    assert proxy_for("http", "near", conf) == "DIRECT"
    assert proxy_for("https", "far", conf) is None
