"""What options mean: ports, variables, secrets, outputs, flags of the past."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from cog_cli.given import environment, published
from cog_cli.given_secrets import given_secrets
from cog_cli.older_flags import plain
from cog_cli.outputs import describe, parse_output
from cog_core.backend import ToDockerArchive, ToLayout, ToRegistry
from cog_core.errors import UsageError
from cog_core.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("8000", ("127.0.0.1:8000", 8000)),
        ("0.0.0.0:8000", ("0.0.0.0:8000", 8000)),
        ("[::1]:8000", ("[::1]:8000", 8000)),
        ("localhost:1", ("localhost:1", 1)),
    ],
)
def test_a_port_is_published_where_it_says(text: str, pair: tuple[str, int]) -> None:
    assert published([text]) == (pair,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "value cannot be empty"),
        ("[::1", "missing closing bracket for IPv6 address"),
        ("[::1]", "port is required after IPv6 address"),
        ("[::1]8000", "expected ':' after ']'"),
        (":8000", "host cannot be empty"),
        ("0", "port must be between 1 and 65535"),
        ("65536", "port must be between 1 and 65535"),
        ("http", "port must be between 1 and 65535"),
        ("1" * 5000, "port must be between 1 and 65535"),
        ("٣٣", "port must be between 1 and 65535"),
    ],
)
def test_a_port_that_is_none_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        published([text])

    assert caught.value.message == f'invalid port "{text}": {reason}'


def test_a_variable_is_given_or_passed_on() -> None:
    settings = Settings.from_environ({"HOME": "/h", "HERE": "yes"})

    assert environment(["A=1=2", "B=", "HERE", "NOT_HERE"], settings) == {"A": "1=2", "B": "", "HERE": "yes"}


def test_secrets_come_from_files_of_the_project_and_from_variables(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from file")

    found = given_secrets(
        ["id=a,src=token", "id=b,env=B", "type=env,id=B", "id=token", '"id=c","source=token"'],
        tmp_path,
        {"B": "from variable"},
    )

    values = {name: secret.read() for name, secret in found.items()}
    assert values == {
        "a": b"from file",
        "b": b"from variable",
        "B": b"from variable",
        "token": b"from file",
        "c": b"from file",
    }
    assert "from" not in repr(found)


@pytest.mark.parametrize(
    "text", ["", "src=token", "id=a,mode=1", "id=a,type=cert", "id=a,src=nowhere", "id=a,env=NOWHERE", "secret-value"]
)
def test_a_secret_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="secret"):
        given_secrets([text], tmp_path, {})


def test_a_secret_cannot_be_given_twice(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="twice"):
        given_secrets(["id=a,env=A", "id=a,env=A"], tmp_path, {"A": "1"})


def test_outputs_are_layouts_archives_and_registries(tmp_path: Path) -> None:
    assert parse_output(f"oci:{tmp_path}") == ToLayout(tmp_path)
    assert parse_output(f"docker-archive:{tmp_path}/a.tar") == ToDockerArchive(tmp_path / "a.tar")
    assert parse_output("registry:localhost:5000/a:b") == ToRegistry("localhost:5000/a:b")


def test_an_output_reads_back_as_it_is_described(tmp_path: Path) -> None:
    for text in (f"oci:{tmp_path}/x", f"docker-archive:{tmp_path}/a.tar", "registry:localhost:5000/a:b"):
        assert describe(parse_output(text)) == text


@pytest.mark.parametrize(
    "text", ["", "oci", "oci:", "docker:x", "registry:", "docker-archive:/", "docker-archive:/no/x"]
)
def test_an_output_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_output(text)


def test_switches_in_upstream_s_form_are_understood_and_others_left_alone() -> None:
    words = ["exec", "--strip=false", "--use-cog-base-image=TRUE", "--other=false", "strip=false", sys.executable]

    assert plain(words) == ["exec", "--no-strip", "--use-cog-base-image", *words[3:]]
