from __future__ import annotations

import base64
import json
import stat
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cog_oci.credentials import Login, erase_login, find_login, helper_name, save_login, server_name
from cog_oci.errors import InvalidCredentials

HUB = "https://index.docker.io/v1/"


def encoded(text):
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def config(tmp_path):
    path = tmp_path / ".docker" / "config.json"

    def write(content):
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("host.x", "host.x"),
        ("https://host.x", "host.x"),
        ("https://host.x/v2/", "host.x"),
        ("host.x:5000", "host.x:5000"),
        (HUB, "docker.io"),
        ("docker.io", "docker.io"),
        ("index.docker.io", "docker.io"),
    ],
)
def test_a_login_is_found_whatever_its_key_looks_like(config, key, registry):
    path = config({"auths": {key: {"auth": encoded("me:pass:word")}}})

    assert find_login(registry, "a/b", files=[path]) == Login("me", "pass:word")
    assert find_login(f"other.{registry}", files=[path]) is None


def test_the_longest_part_of_the_path_wins(config):
    auths = {"host.x": {"auth": encoded("all:1")}, "host.x/team": {"auth": encoded("team:2")}}
    path = config({"auths": auths})

    assert find_login("host.x", "team/model", files=[path]) == Login("team", "2")
    assert find_login("host.x", "teams/model", files=[path]) == Login("all", "1")


def test_files_are_asked_in_their_order_and_may_be_missing(config, tmp_path):
    second = tmp_path / "auth.json"
    second.write_text(json.dumps({"auths": {"host.x": {"username": "two", "password": "2"}}}), encoding="utf-8")
    first = config({"auths": {}})

    assert find_login("host.x", files=[tmp_path / "none", first, second]) == Login("two", "2")
    config({"auths": {"host.x": {"auth": encoded("one:1")}}})
    assert find_login("host.x", files=[first, second]) == Login("one", "1")


def test_an_identity_token_is_kept_as_one(config):
    path = config({"auths": {"host.x": {"auth": encoded("00000000:"), "identitytoken": "refresh"}}})

    assert find_login("host.x", files=[path]).identity_token == "refresh"


def test_helpers_are_asked_for_what_they_know(config):
    asked = []

    def helper(name, server):
        asked.append((name, server))
        return {"own": ("me", "pass"), "store": ("<token>", "refresh")}.get(name)

    path = config({"credHelpers": {"host.x": "own", "empty.x": "nothing"}, "credsStore": "store"})

    assert find_login("host.x", files=[path], helper=helper) == Login("me", "pass")
    assert find_login("docker.io", files=[path], helper=helper) == Login("", identity_token="refresh")
    assert find_login("empty.x", files=[path], helper=helper) is None
    assert asked == [("own", "host.x"), ("store", HUB), ("nothing", "empty.x")]
    assert helper_name(path, "host.x") == "own"
    assert helper_name(path, "other.x") == "store"


def test_where_a_helper_knows_nothing_the_file_may(config):
    path = config({"credsStore": "store", "auths": {"host.x": {"auth": encoded("me:1")}}})

    assert find_login("host.x", files=[path], helper=lambda *_: None) == Login("me", "1")
    assert find_login("host.x", files=[path]) == Login("me", "1")


@pytest.mark.parametrize(
    "content",
    [
        "secret-text",
        "[]",
        '{"auths": "secret-text"}',
        '{"auths": {"host.x": {"auth": "secret-text!"}}}',
        '{"auths": {"host.x": {"auth": "' + encoded("secret-text") + '"}}}',
        '{"credHelpers": ["secret-text"]}',
    ],
)
def test_damaged_files_are_typed_errors_that_quote_nothing(config, content):
    path = config(content)

    with pytest.raises(InvalidCredentials) as caught:
        find_login("host.x", files=[path], helper=lambda *_: None)
    assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert str(path) in caught.value.message


def test_a_saved_login_is_found_again_and_everything_else_stays(config):
    path = config({"auths": {"https://host.x/v1/": {"auth": "old"}}, "credsStore": "x", "proxies": {"a": 1}})

    save_login(path, "host.x", Login("me", "pass:ä"))
    save_login(path, "docker.io", Login("you", "", identity_token="refresh"))

    assert find_login("host.x", files=[path]) == Login("me", "pass:ä")
    assert find_login("docker.io", files=[path]).identity_token == "refresh"
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert set(saved["auths"]) == {"host.x", HUB}
    assert (saved["credsStore"], saved["proxies"]) == ("x", {"a": 1})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_login_is_erased_under_all_its_names(config, tmp_path):
    path = config({"auths": {HUB: {"auth": "a"}, "docker.io": {"auth": "b"}, "host.x": {"auth": encoded("a:b")}}})

    assert erase_login(path, "docker.io")
    assert not erase_login(path, "docker.io")
    assert not erase_login(tmp_path / "none" / "config.json", "host.x")
    assert find_login("host.x", files=[path]) == Login("a", "b")


def test_a_link_to_the_file_stays_a_link(config, tmp_path):
    path = config({})
    link = tmp_path / "link.json"
    link.symlink_to(path)

    save_login(link, "host.x", Login("a", "b"))

    assert link.is_symlink()
    assert find_login("host.x", files=[path]) == Login("a", "b")


def test_logins_that_are_saved_at_once_are_all_there(tmp_path):
    path = tmp_path / "new" / "config.json"
    threads = [threading.Thread(target=save_login, args=(path, f"host{n}.x", Login("a", str(n)))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [find_login(f"host{n}.x", files=[path]).password for n in range(8)] == [str(n) for n in range(8)]


def test_a_name_that_the_format_cannot_hold_is_refused(tmp_path):
    with pytest.raises(InvalidCredentials, match="colon"):
        save_login(tmp_path / "config.json", "host.x", Login("a:b", "c"))


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(texts.filter(lambda name: ":" not in name), texts)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_login_survives_the_file(tmp_path, name, password):
    path = tmp_path / "config.json"

    save_login(path, "host.x", Login(name, password))

    assert find_login("host.x", files=[path]) == Login(name, password)


def test_docker_hub_has_an_old_name():
    assert server_name("docker.io") == server_name("index.docker.io") == HUB
    assert server_name("host.x") == "host.x"
