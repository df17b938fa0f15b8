"""Credentials in URLs: found, and removed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_core.config.urls import Login, logins, secrets, without_credentials


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://u:p@h/x", "https://h/x"),
        ("https://token@h/x", "https://h/x"),
        ("http://u:p%40q@h:8080/x", "http://h:8080/x"),
        ("a @ git+https://u:p@h/r.git@main", "a @ git+https://h/r.git@main"),
        ("git+ssh://git@h/r.git", "git+ssh://git@h/r.git"),
        ("git+ssh://git:pw@h/r.git", "git+ssh://git@h/r.git"),
        (
            "--index-url https://u:p@h --extra-index-url=https://a:b@i/",
            "--index-url https://h --extra-index-url=https://i/",
        ),
        ("https://h/a@b", "https://h/a@b"),
        ("https://u:p@w@h/x", "https://h/x"),
        ("nothing at all", "nothing at all"),
    ],
)
def test_credentials_are_removed(text, clean):
    assert without_credentials(text) == clean


def test_logins_are_decoded():
    assert list(logins("x https://u%40c:p%2Fw@Host:1/ https://tok@b/")) == [
        Login("host", "u@c", "p/w"),
        Login("b", "tok", ""),
    ]


def test_secrets_are_known_as_written_and_decoded():
    assert secrets("https://u:p%2Fw@h/") >= {"p%2Fw", "p/w"}
    assert secrets("https://tok@h/") >= {"tok"}
    assert secrets("git+ssh://git@h/") == frozenset()
    assert secrets("https://${TOKEN}@h/") == frozenset()


def test_a_password_is_absent_from_the_representation():
    assert "p4ss" not in repr(Login("h", "u", "p4ss"))


PARTS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=6, max_size=12)


@given(PARTS, PARTS, st.text(max_size=20), st.text(max_size=20))
def test_no_password_is_left_whatever_stands_around_it(user, password, before, after):
    text = f"{before} https://{user}:{password}@host/{after}"

    assert f":{password}@" not in without_credentials(text)
