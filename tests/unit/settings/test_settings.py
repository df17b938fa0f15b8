"""Every variable that means something, and what an empty environment means."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_core.errors import UsageError
from cog_core.settings import Settings


def read(**environ: str) -> Settings:
    return Settings.from_environ({"HOME": "/home/me", **environ})


def test_nothing_set_means_the_defaults():
    found = read()

    assert found.home == Path("/home/me")
    assert found.cache == Path("/home/me/Library/Caches/cog" if sys.platform == "darwin" else "/home/me/.cache/cog")
    assert (found.backend, found.base_image, found.debian_mirror, found.ca_cert) == (None, None, None, None)
    assert (found.registry, found.progress, found.color) == ("r8.im", "auto", True)
    assert (found.source_date_epoch, found.disabled_plugins, dict(found.proxies)) == (None, frozenset(), {})
    assert (found.debug, found.allow_expired_lists) == (False, False)


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("COG_BACKEND", "oci", "backend", "oci"),
        ("COG_BACKEND", "", "backend", None),
        ("COG_PROBE_TIMEOUT", "2.5", "probe_timeout", 2.5),
        ("COG_PROBE_TIMEOUT", "", "probe_timeout", 15.0),
        ("COG_DISABLE_PLUGINS", "all", "disabled_plugins", frozenset({"all"})),
        ("COG_BASE_IMAGE", "oci:/base", "base_image", "oci:/base"),
        ("COG_BASE_IMAGE", "", "base_image", None),
        ("COG_DEBIAN_MIRROR", "http://mirror/debian", "debian_mirror", "http://mirror/debian"),
        ("COG_REGISTRY_HOST", "localhost:5000", "registry", "localhost:5000"),
        ("COG_REGISTRY_HOST", "", "registry", "r8.im"),
        ("COG_CA_CERT", "/ca.pem", "ca_cert", "/ca.pem"),
        ("COG_CACHE_DIR", "/cache", "cache", Path("/cache")),
        ("COG_CACHE_DIR", "", "cache", read().cache),
        ("XDG_CACHE_HOME", "/xdg", "cache", Path("/xdg/cog")),
        ("SOURCE_DATE_EPOCH", "0", "source_date_epoch", 0),
        ("SOURCE_DATE_EPOCH", "1700000000", "source_date_epoch", 1_700_000_000),
        ("SOURCE_DATE_EPOCH", "", "source_date_epoch", None),
        ("COG_DISABLE_PLUGINS", "a", "disabled_plugins", {"a"}),
        ("COG_DISABLE_PLUGINS", " a, b ,,", "disabled_plugins", {"a", "b"}),
        ("NO_COLOR", "1", "color", False),
        ("NO_COLOR", "", "color", True),
        ("COG_NO_COLOR", "1", "color", False),
        ("TERM", "dumb", "color", False),
        ("TERM", "dumb", "progress", "plain"),
        ("TERM", "xterm", "progress", "auto"),
        ("BUILDKIT_PROGRESS", "quiet", "progress", "quiet"),
        ("COG_DEBUG", "1", "debug", True),
        *(("COG_DEBUG", value, "debug", False) for value in ("", "0", "false", "No", "OFF")),
        ("COG_ALLOW_EXPIRED_LISTS", "yes", "allow_expired_lists", True),
        ("COG_ALLOW_EXPIRED_LISTS", "0", "allow_expired_lists", False),
        *((f"{name}_PROXY", "p:1", "proxies", {f"{name.lower()}_proxy": "p:1"}) for name in ("HTTP", "HTTPS", "NO")),
        *((f"{name}_proxy", "p:1", "proxies", {f"{name}_proxy": "p:1"}) for name in ("ftp", "all")),
        ("http_proxy", "", "proxies", {}),
    ],
)
def test_a_variable_sets_its_field(variable, value, field, expected):
    assert getattr(read(**{variable: value}), field) == expected


def test_the_lower_case_proxy_wins():
    assert read(HTTP_PROXY="big", http_proxy="small").proxies == {"http_proxy": "small"}


def test_an_explicit_cache_beats_the_platforms_and_is_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    assert read(COG_CACHE_DIR="here", XDG_CACHE_HOME="/xdg").cache == tmp_path / "here"
    assert read(COG_CACHE_DIR="~/c").cache == Path("~/c").expanduser()


def test_an_asked_progress_beats_a_dumb_terminal():
    assert read(TERM="dumb", BUILDKIT_PROGRESS="tty").progress == "tty"


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5", " 1", "0x10"])
def test_a_time_that_is_no_number_is_refused_with_the_text(text):
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH is not a number of seconds") as caught:
        read(SOURCE_DATE_EPOCH=text)

    assert repr(text) in caught.value.message


def test_the_process_own_environment_is_read_when_none_is_given(monkeypatch):
    monkeypatch.setenv("COG_BACKEND", "oci")

    assert Settings.from_environ().backend == "oci"


def test_secrets_are_not_in_the_representation():
    shown = repr(read(COG_CA_CERT="s3cret", HTTPS_PROXY="http://me:s3cret@proxy", TOKEN="s3cret"))

    assert "s3cret" not in shown


@given(
    st.dictionaries(st.sampled_from(["HOME", "TERM", "COG_DEBUG", "COG_CACHE_DIR"]), st.text("ab/~,. 0", max_size=5))
)
def test_no_text_in_a_variable_makes_it_fail(environ):
    Settings.from_environ(environ)


@pytest.mark.parametrize("text", ["soon", "-1", "0", "1e9", "nan", "٣"])
def test_a_time_limit_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="COG_PROBE_TIMEOUT is not a number of seconds above zero"):
        read(COG_PROBE_TIMEOUT=text)
