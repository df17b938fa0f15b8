from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_oci.errors import InvalidReference
from cog_oci.reference import Reference

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "full", "familiar"),
    [
        ("python", "docker.io/library/python:latest", "python:latest"),
        ("python:3.12-slim", "docker.io/library/python:3.12-slim", "python:3.12-slim"),
        ("library/python:3", "docker.io/library/python:3", "python:3"),
        ("docker.io/python", "docker.io/library/python:latest", "python:latest"),
        ("index.docker.io/library/python", "docker.io/library/python:latest", "python:latest"),
        ("me/model:v1", "docker.io/me/model:v1", "me/model:v1"),
        ("docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
        ("r8.im/me/model", "r8.im/me/model:latest", "r8.im/me/model:latest"),
        ("localhost/model", "localhost/model:latest", "localhost/model:latest"),
        ("localhost:5000/model", "localhost:5000/model:latest", "localhost:5000/model:latest"),
        ("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"),
        ("[::1]:5000/a/b:c", "[::1]:5000/a/b:c", "[::1]:5000/a/b:c"),
        ("[2001:db8::1]/a", "[2001:db8::1]/a:latest", "[2001:db8::1]/a:latest"),
        ("Host/a", "Host/a:latest", "Host/a:latest"),
        (f"python@{DIGEST}", f"docker.io/library/python@{DIGEST}", f"python@{DIGEST}"),
        (f"python:3@{DIGEST}", f"docker.io/library/python:3@{DIGEST}", f"python:3@{DIGEST}"),
        ("a--b/c__d/e.f_g", "docker.io/a--b/c__d/e.f_g:latest", "a--b/c__d/e.f_g:latest"),
        ("docker.io/localhost/a", "docker.io/localhost/a:latest", "docker.io/localhost/a:latest"),
    ],
)
def test_names_are_completed_and_shortened_as_docker_does(text, full, familiar):
    reference = Reference.parse(text)

    assert str(reference) == full
    assert reference.familiar == familiar


@pytest.mark.parametrize(
    "text",
    [
        "", ":tag", "@" + DIGEST, "a:", "a@", "a@sha256:12", "a@md5:" + "0" * 32, "A", "a/B", "a//b", "/a", "a/",
        "-a", "[00]/0", "a-", "a..b", "a___b", "a:" + "t" * 129, "a:-t", "http://host/a", "host:port/a", "[::1/a",
        "a b", "a\n", "ä", "0" * 64, "-host.x/a", "host:5000/" + "a" * 256, "a:b:c", "a@" + DIGEST.upper(), "a/../b",
    ],
)  # fmt: skip
def test_what_names_no_image_is_refused_with_the_text_in_the_message(text):
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)

    assert repr(text[:300])[:100] in caught.value.message


# An address in brackets has a colon, always: without one, Docker takes the first part for a folder on Docker Hub.
words = st.from_regex(r"[a-z0-9]{1,8}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,8}){0,2}", fullmatch=True)
hosts = st.from_regex(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,6}[a-zA-Z0-9])?\.){1,3}[a-z]{2,5}(?::[0-9]{1,5})?|localhost(?::[0-9]{1,5})?"
    r"|\[[0-9a-f]{0,4}:[0-9a-f:]{1,8}\](?::[0-9]{1,5})?|docker\.io|index\.docker\.io",
    fullmatch=True,
)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
digests = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)


@given(
    st.one_of(st.none(), hosts),
    st.lists(words, min_size=1, max_size=4),
    st.one_of(st.none(), tags),
    st.one_of(st.none(), digests),
)
def test_every_form_of_a_name_leads_back_to_the_same_image(host, path, tag, digest):
    if host is None and "." in path[0]:
        host = "docker.io"
    text = "/".join([*([host] if host else []), *path])
    text += (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    reference = Reference.parse(text)

    assert Reference.parse(str(reference)) == reference
    assert Reference.parse(reference.familiar) == reference


@given(st.text(max_size=40))
def test_any_text_is_an_image_or_a_typed_refusal(text):
    try:
        reference = Reference.parse(text)
    except InvalidReference:
        return
    assert Reference.parse(str(reference)) == reference


def test_another_tag_or_digest_replaces_both():
    reference = Reference.parse(f"host.x/a:1@{DIGEST}")

    assert str(reference.with_tag("2")) == "host.x/a:2"
    assert str(reference.with_digest(DIGEST)) == f"host.x/a@{DIGEST}"
    with pytest.raises(InvalidReference):
        reference.with_tag("no tag")
