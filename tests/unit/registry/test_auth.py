from __future__ import annotations

import base64
import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_oci.challenge import parse_challenges
from cog_oci.credentials import Login, find_login, save_login
from cog_oci.errors import OciError, RegistryFailure, Unauthorized
from cog_oci.images import write_image
from cog_oci.pull import pull
from cog_oci.push import push
from tests.unit.oci_formats import kit

USERS = {"me": "pass:word ä"}
ME = Login("me", "pass:word ä")
TOKEN = Login("", identity_token="refresh-me")  # an example


def known(login):
    return lambda registry, repository: login


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_a_login_opens_the_registry_for_both_ways(place, layout, image, target, auth):
    there = place(auth=auth, users=USERS)

    with kit.client_for(known(ME)) as client:
        push(client, layout, image, there.reference())
        assert pull(client, there.reference(), target).image_id == image.image_id
        client.check_login(there.host)


@pytest.mark.parametrize("auth", ["basic", "token"])
@pytest.mark.parametrize("login", [None, Login("me", "wrong")])
def test_without_the_right_login_the_answer_is_no_and_shows_no_secret(filled, target, auth, login):
    there = filled(auth=auth, users=USERS)

    with kit.client_for(known(login)) as client:
        with pytest.raises(Unauthorized) as caught:
            pull(client, there.reference(), target)
        if auth == "basic":
            with pytest.raises(Unauthorized):
                client.check_login(there.host)
    assert "login" in caught.value.hint
    assert "wrong" not in f"{caught.value!r} {caught.value.hint}"


def test_an_identity_token_is_exchanged_for_one_that_opens(place, layout, image):
    there = place(auth="token", identity_tokens=frozenset({"refresh-me"}))

    with kit.client_for(known(TOKEN)) as client:
        push(client, layout, image, there.reference())
    with kit.client_for(known(Login("", identity_token="another"))) as client, pytest.raises(Unauthorized):
        client.manifest(there.reference())

    assert there.asked("POST", "/token")
    assert not any("refresh-me" in seen.query for seen in there.registry.seen)


def test_everybody_may_read_where_that_is_so(filled, target, anonymous_client):
    there = filled(auth="token", anonymous_pull=True)

    pull(anonymous_client, there.reference(), target)

    assert not any(seen.authorization.startswith("Basic") for seen in there.registry.seen)


def test_nothing_is_sent_before_it_is_asked_for(filled, target):
    there = filled()

    with kit.client_for(known(ME)) as client:
        pull(client, there.reference(), target)

    assert not any(seen.authorization for seen in there.registry.seen)


def test_a_token_is_asked_for_once_and_the_password_goes_nowhere_else(filled, target):
    there = filled(auth="token", users=USERS)

    with kit.client_for(known(ME)) as client:
        pull(client, there.reference(), target)

    assert len(there.asked("GET", "/token")) == 1
    password = base64.b64encode(b"me:" + USERS["me"].encode()).decode()
    sent_to = {seen.path for seen in there.registry.seen if password in seen.authorization}
    assert sent_to == {"/token"}


def test_a_token_that_expires_on_the_way_is_renewed(filled, image):
    there = filled(auth="token", users=USERS, token_uses=1)

    with kit.client_for(known(ME)) as client:
        for _ in range(3):
            assert client.manifest(there.reference()).descriptor == image.descriptor

    assert len(there.asked("GET", "/token")) == 3


def test_a_mount_asks_for_a_token_that_may_read_there(filled, layout, image):
    there = filled(auth="token", users=USERS)

    with kit.client_for(known(ME)) as client:
        push(client, layout, image, there.reference("me/other:1"), mount_from=["me/model"])

    queries = [seen.query for seen in there.registry.seen if seen.path == "/token"]
    assert any("me%2Fmodel%3Apull" in query and "me%2Fother%3Apull%2Cpush" in query for query in queries)
    assert all(query.startswith("realm=1&service=test") for query in queries)


def test_who_may_only_read_cannot_push(filled, layout):
    there = filled(auth="token", anonymous_pull=True)
    layer_config = b'{"rootfs":{"type":"layers","diff_ids":[]}}'

    with kit.client_for() as client, pytest.raises(Unauthorized):
        push(client, layout, write_image(layout, layer_config, []), there.reference())


def test_a_token_service_without_tls_is_refused_behind_tls(place, certificate):
    there = place(auth="token", realm="http://127.0.0.1:1/token", tls=certificate)
    trusted = kit.client_for(ca_file=certificate["ssl_certfile"])
    with trusted as client, pytest.raises(RegistryFailure, match="not an https address"):
        client.manifest(there.reference())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (['Bearer realm="https://a/t",service="b",scope="repository:c:pull,push"'], [("bearer", 3)]),
        (['Basic realm="a, b"'], [("basic", 1)]),
        (['Basic realm="a", Bearer realm="b",service=c'], [("basic", 1), ("bearer", 2)]),
        (['Basic realm="a"', 'BEARER REALM="b"'], [("basic", 1), ("bearer", 1)]),
        (["Negotiate"], [("negotiate", 0)]),
        (['realm="a"'], []),
        ([], []),
    ],
)
def test_challenges_are_understood(headers, expected):
    assert [(found.scheme, len(found.parameters)) for found in parse_challenges(headers)] == expected


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,5}", fullmatch=True),
        st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
        max_size=4,
    )
)
def test_parameters_of_a_challenge_survive_quoting(parameters):
    quoted = ", ".join('{}="{}"'.format(key, re.sub(r'(["\\])', r"\\\1", value)) for key, value in parameters.items())

    (found,) = parse_challenges([f"Bearer {quoted}"])

    assert dict(found.parameters) == parameters


@given(st.lists(st.text(alphabet='Basicreml="\\, \t\0ä', max_size=60), max_size=3))
def test_any_header_is_understood_or_left_out(headers):
    try:
        parse_challenges(headers)
    except OciError:
        raise AssertionError from None


def test_a_login_shows_nothing_of_itself():
    assert "pass" not in f"{ME!r} {ME} {[ME]}"
    assert "refresh" not in repr(TOKEN)


def test_a_login_in_dockers_file_is_all_that_is_needed(place, layout, image, tmp_path):
    there = place(auth="token", users=USERS)
    config = tmp_path / "config.json"
    save_login(config, there.host, ME)

    with kit.client_for(partial(find_login, files=[config])) as client:
        assert push(client, layout, image, there.reference()).digest == image.descriptor.digest
