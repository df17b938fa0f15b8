"""A private index: its login reaches the resolver and the build's secrets, and nothing else."""

from __future__ import annotations

import netrc

import pytest

from cog_core.errors import LockError
from cog_core.ir.lower import NETRC
from cog_core.lock import build_secrets, write_lock_file
from cog_core.process import run

PASSWORD = "s3cret/p%wd"
FORMS = (PASSWORD, "s3cret%2Fp%25wd", "s3cret")


def everything(desk, *values) -> str:
    """Return the text of all values and of all files that were written."""
    folders = (desk.root, desk.settings.cache)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return "\n".join([*map(repr, values), *(path.read_text("utf-8", "replace") for path in files)])


def as_option(desk):
    return desk, ("--index-url " + desk.index.with_password, "middle")


def as_variable(desk):
    return desk.with_environ(PIP_INDEX_URL=desk.index.with_password), ("middle",)


def as_uv_variable(desk):
    return desk.with_environ(UV_DEFAULT_INDEX=f"mine={desk.index.with_password}"), ("middle",)


def as_pip_file(desk):
    path = desk.root.parent / "pip.conf"
    path.write_text(f"[global]\nindex-url = {desk.index.with_password.replace('%', '%%')}\n".replace("%%", "%"))
    environ = {name: value for name, value in desk.environ.items() if name != "PIP_INDEX_URL"}
    return type(desk)(desk.root, desk.index, environ | {"PIP_CONFIG_FILE": str(path)}), ("middle",)


def as_netrc(desk):
    path = desk.root.parent / "home/.netrc"
    path.write_text(f"machine 127.0.0.1 login me password {PASSWORD}\nmachine other.example login x password y\n")
    path.chmod(0o600)
    return desk.with_environ(PIP_INDEX_URL=desk.index.private), ("middle",)


def as_keyring(desk):
    program = desk.root.parent / "bin/keyring"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        f'  *creds*) echo \'{{"username": "me", "password": "{PASSWORD}"}}\' ;;\n'
        f"  *) echo '{PASSWORD}' ;;\n"
        "esac\n"
    )
    program.chmod(0o755)
    url = desk.index.private.replace("://", "://me@")
    return desk.with_environ(PIP_INDEX_URL=url, PATH=f"{program.parent}:{desk.environ['PATH']}"), ("middle",)


WAYS = [as_option, as_variable, as_uv_variable, as_pip_file, as_netrc, as_keyring]


@pytest.mark.parametrize("way", WAYS)
def test_a_login_reaches_the_index_and_is_absent_from_the_lock(desk, way):
    desk, packages = way(desk)

    resolved, locked = desk.resolve(*packages), desk.lock(*packages)
    write_lock_file(desk.root, resolved, locked)

    assert locked.freeze == ("base==1.0", "middle==1.0")
    assert locked.index == (f"--index-url {desk.index.private}",)
    seen = everything(desk, resolved, locked)
    assert not [form for form in FORMS if form in seen]


@pytest.mark.parametrize("way", WAYS)
def test_a_login_becomes_a_secret_for_that_host_alone(desk, way, tmp_path):
    desk, packages = way(desk)

    secrets = build_secrets(desk.resolve(*packages), settings=desk.settings, run=run)

    file = tmp_path / "netrc"
    file.write_bytes(secrets[NETRC].read())
    assert netrc.netrc(file).hosts == {"127.0.0.1": ("me", "", PASSWORD)}
    assert not [form for form in FORMS if form in repr(secrets)]


def test_without_a_login_there_is_no_secret(desk):
    assert build_secrets(desk.resolve("base"), settings=desk.settings, run=run) == {}


@pytest.mark.parametrize("login", ["", "me:wr0ngpw@"])
def test_a_refused_login_is_told_without_it(desk, login):
    url = desk.index.private.replace("://", f"://{login}")

    with pytest.raises(LockError, match=r"the package index 127\.0\.0\.1 refused our login") as caught:
        desk.with_environ(PIP_INDEX_URL=url).lock("middle")

    assert "wr0ngpw" not in everything(desk, caught.value, caught.value.hint)
    assert ".netrc" in caught.value.hint


def test_a_login_in_a_requirement_s_url_is_absent_from_the_lock(desk):
    url = f"{desk.index.with_password}base/base-1.0-py3-none-any.whl"

    resolved, locked = desk.resolve(f"base @ {url}"), desk.lock(f"base @ {url}")

    assert locked.freeze == (f"base @ {desk.index.private}base/base-1.0-py3-none-any.whl",)
    assert not [form for form in FORMS if form in everything(desk, resolved, locked)]


def test_a_login_for_version_control_is_absent_and_warned_about(desk):
    line = "base @ git+https://me:t0kenpw@example.invalid/base.git"

    resolved, locked = desk.resolve(line), desk.lock(line)

    assert locked.unlocked == ("base @ git+https://example.invalid/base.git",)
    assert "t0kenpw" not in everything(desk, resolved, locked)
    assert ["is not part of the image" in warning.message for warning in locked.warnings] == [True]


def test_a_failing_resolver_does_not_tell_a_login(desk):
    with pytest.raises(LockError) as caught:
        desk.lock("--index-url " + desk.index.with_password, "nowhere")

    assert not [form for form in FORMS if form in everything(desk, caught.value, caught.value.hint)]


def test_a_changed_password_does_not_ask_again(desk, refuse):
    desk.with_environ(PIP_INDEX_URL=desk.index.with_password).lock("middle")

    other = desk.index.private.replace("://", "://me:new@")

    assert desk.with_environ(PIP_INDEX_URL=other).lock("middle", run=refuse).source == "cache"
