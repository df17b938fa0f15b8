"""Indices and certificates from the user's own settings."""

from __future__ import annotations

import base64

import pytest

from cog_core.certificates import ca_bundle
from cog_core.config.urls import Login
from cog_core.errors import UsageError
from cog_core.ir.lower import CA_CERT
from cog_core.lock import build_secrets
from cog_core.lock.credentials import netrc_text
from cog_core.lock.indices import gather
from cog_core.lock.pip_settings import pip_settings
from cog_core.lock.target import Target
from cog_core.process import run
from cog_core.resolve import IndexOption
from cog_core.settings import Settings
from cog_core.values import Platform, PythonVersion

PEM = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----"


def settings(**environ: str) -> Settings:
    return Settings.from_environ({"HOME": "/nonexistent", "PIP_CONFIG_FILE": "/dev/null"} | environ)


def option(flag: str, value: str = "") -> IndexOption:
    return IndexOption(flag=flag, value=value)


def test_the_project_s_index_counts_before_variables_and_variables_before_files(tmp_path):
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://file/\nextra-index-url =\n  https://more/\n  https://even-more/\n"
    )
    environ = {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}

    assert gather([], settings(**environ)).lines == (
        *("--index-url https://file/", "--extra-index-url https://more/", "--extra-index-url https://even-more/"),
    )
    assert gather([], settings(**environ, PIP_INDEX_URL="https://pip/")).lines[0] == "--index-url https://pip/"
    both = settings(**environ, PIP_INDEX_URL="https://pip/", UV_INDEX_URL="https://uv/")
    assert gather([], both).lines[0] == "--index-url https://uv/"
    assert gather([option("--index-url", "https://project/")], both).lines == (
        *("--index-url https://project/", "--extra-index-url https://more/", "--extra-index-url https://even-more/"),
    )


def test_further_options_reach_the_image():
    options = [
        option("--pre"),
        option("--no-binary", "A_b,c"),
        option("--trusted-host", "h"),
        option("--find-links", "https://l/"),
    ]

    indices = gather(options, settings())

    assert indices.lines == ("--find-links https://l/", "--trusted-host h", "--pre", "--no-binary A_b,c")
    assert (indices.pre, indices.no_binary) == (True, frozenset({"a-b", "c"}))


def test_folders_of_this_machine_stay_out():
    found = gather([], settings(PIP_FIND_LINKS="/opt/wheels https://l/ file:///x", UV_FIND_LINKS="/y,https://m/"))

    assert found.lines == ("--find-links https://m/", "--find-links https://l/")


def test_no_index_leaves_only_links():
    found = gather([option("--no-index"), option("--find-links", "https://l/")], settings(PIP_INDEX_URL="https://i/"))

    assert found.lines == ("--find-links https://l/", "--no-index")


def test_variables_of_uv_may_have_names():
    found = gather([], settings(UV_INDEX="mine=https://a/ https://b/"))

    assert found.lines == ("--extra-index-url https://a/", "--extra-index-url https://b/")


def test_a_section_for_install_counts_before_global_and_the_user_before_the_system(tmp_path):
    home, system = tmp_path / "home", tmp_path / "system"
    (home / ".config/pip").mkdir(parents=True)
    (system / "etc").mkdir(parents=True)
    (system / "etc/pip.conf").write_text("[global]\ncert = /a\ntimeout = 1\n[install]\nproxy = p\n")
    (home / ".config/pip/pip.conf").write_text("[global]\ncert = /b\nproxy = q\n")

    found = pip_settings(Settings.from_environ({"HOME": str(home), "PIP_TIMEOUT": "5"}), root=system)

    assert found == {"cert": "/b", "timeout": "5", "proxy": "p"}


@pytest.mark.parametrize("content", [b"no section", b"[global]\nx\xff = 1", b"[global\n"])
def test_a_broken_file_of_pip_says_nothing(tmp_path, content):
    (tmp_path / "pip.conf").write_bytes(content)

    assert pip_settings(settings(PIP_CONFIG_FILE=str(tmp_path / "pip.conf")), root=tmp_path) == {}


def certificate(tmp_path, form):
    if form == "file":
        (tmp_path / "ca.crt").write_text(PEM)
        return str(tmp_path / "ca.crt")
    if form == "folder":
        for name in ("a.crt", "b.pem", "c.txt"):
            (tmp_path / name).write_text(PEM)
        return str(tmp_path)
    return {"text": PEM, "one line": PEM.replace("\n", "\\n"), "base64": base64.b64encode(PEM.encode()).decode()}[
        form
    ]


@pytest.mark.parametrize(("form", "count"), [("file", 1), ("folder", 2), ("text", 1), ("one line", 1), ("base64", 1)])
def test_authorities_may_have_any_form_and_join_the_public_ones(tmp_path, form, count):
    value = certificate(tmp_path, form)
    public = tmp_path / "public"
    public.write_text("PUBLIC\n")

    bundle = ca_bundle(settings(COG_CA_CERT=value), system_bundles=["/nonexistent", str(public)])

    assert bundle == ("PUBLIC\n" + f"{PEM}\n" * count).encode()


def test_authorities_are_a_secret_of_the_build(desk):
    secrets = build_secrets(desk.resolve("base"), settings=desk.with_environ(COG_CA_CERT=PEM).settings, run=run)

    assert secrets[CA_CERT].read().decode().endswith(f"{PEM}\n")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("/no/such/file", "COG_CA_CERT: invalid value - must be a file path, directory, PEM certificate, or base64"),
        ("aGVsbG8=", "COG_CA_CERT: invalid value"),
        ("x" * 5000, "COG_CA_CERT: invalid value"),
        ("/proc/self", "COG_CA_CERT: no .crt or .pem files found in directory"),
    ],
)
def test_what_is_no_authority_is_refused(value, message):
    with pytest.raises(UsageError) as caught:
        ca_bundle(settings(COG_CA_CERT=value))

    assert message in caught.value.message


def test_without_authorities_there_is_no_bundle():
    assert ca_bundle(settings()) is None


def test_words_with_blanks_are_quoted_in_netrc():
    assert netrc_text([Login("h", "a b", 'c"d\\')]) == 'machine h\nlogin "a b"\npassword "c\\"d\\\\"\n'


@pytest.mark.parametrize(
    ("glibc", "architecture", "name"),
    [
        ((2, 36), "amd64", "x86_64-manylinux_2_36"),
        ((2, 30), "arm64", "aarch64-manylinux_2_28"),
        ((2, 17), "amd64", "x86_64-manylinux2014"),
        ((2, 99), "amd64", "x86_64-manylinux_2_40"),
    ],
)
def test_the_c_library_decides_about_wheels(glibc, architecture, name):
    target = Target(python=PythonVersion(3, 12), platform=Platform(architecture=architecture), glibc=glibc)

    assert target.python_platform == name
