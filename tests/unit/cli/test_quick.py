"""The quick reader of command lines gives a command what the parser would, or leaves the line to it."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_cli.app import COMMANDS
from cog_cli.quick import quick, read
from cog_cli.typed import typed

QUICK = [name for name in COMMANDS if name != "exec"]
_VALUES = ("a", "x=1", "1", "3.5", "-", "", "--", "-5", "70000", "é ü", "--json", "=b", "true", "07", "1e3")


def _declared(name: str) -> Any:
    return importlib.import_module(f"cog_cli.commands.{name}_command").command


def _by_the_parser(name: str, words: list[str]) -> dict[str, Any] | None:
    """Return what typer would give a command; None when it refuses or shows something instead."""
    found: list[dict[str, Any]] = []
    signature = inspect.signature(typed(_declared(name)))

    def command(**given: Any) -> None:
        found.append(given)

    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command)
    try:
        app(list(words), standalone_mode=False)
    except Exception:  # noqa: BLE001 - whatever the parser says, it is no answer
        return None
    return found[0] if found else None


_PARSED = st.sampled_from(QUICK).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.lists(
            st.one_of(
                st.sampled_from([*_words(name), "--help", "--nothing", "-zz"]),
                st.sampled_from(_VALUES),
                st.builds("{}={}".format, st.sampled_from(_words(name)), st.sampled_from(_VALUES)),
            ),
            max_size=5,
        ),
    )
)


def _words(name: str) -> list[str]:
    parameters = inspect.signature(_declared(name)).parameters.values()
    words = [
        word for each in parameters for text in each.annotation.__metadata__[0].names for word in text.split("/")
    ]
    return words or ["--none"]


def _quick(name: str, words: list[str]) -> dict[str, Any] | None:
    command = quick([name, *words])
    return None if command is None else dict(command.keywords)  # type: ignore[attr-defined]


@settings(max_examples=300, deadline=None)
@given(_PARSED)
def test_what_is_read_quickly_is_what_the_parser_reads(line: tuple[str, list[str]]) -> None:
    name, words = line

    found = _quick(name, words)

    if found is not None:
        parsed = _by_the_parser(name, words)
        assert parsed is not None
        assert {key: None if value == [] else value for key, value in parsed.items()} == found


@pytest.mark.parametrize(
    ("name", "words", "meant"),
    [
        ("build", ["-t", "a:1", "--backend=oci", "--no-cache"], {"tag": "a:1", "backend": "oci", "no_cache": True}),
        ("build", ["--output", "oci:x", "--output=oci:y"], {"output": ["oci:x", "oci:y"]}),
        ("build", ["--no-strip"], {"strip": False}),
        ("run", ["image", "-i", "a=1", "-i", "b=-2"], {"target": "image", "inputs": ["a=1", "b=-2"]}),
        ("run", ["--setup-timeout", "2.5"], {"setup_timeout": 2.5}),
        ("serve", ["-p", "0"], {"port": 0}),
    ],
)
def test_plain_lines_need_no_parser(name: str, words: list[str], meant: dict[str, Any]) -> None:
    assert meant.items() <= read(_declared(name), words).items()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["--debug", "build"],
        ["nothing"],
        ["build", "--help"],
        ["build", "--frobnicate"],
        ["build", "argument"],
        ["build", "-t"],
        ["build", "-t", "--load"],
        ["build", "--no-cache=1"],
        ["serve", "-p", "70000"],
        ["serve", "-p", "many"],
        ["exec", "ls", "-l"],
    ],
)
def test_help_and_mistakes_are_left_to_the_parser(words: list[str]) -> None:
    assert quick(words) is None


def test_a_plain_command_loads_no_parser() -> None:
    program = (
        "import contextlib, io, sys; from cog_cli.main import run\n"
        "with contextlib.redirect_stderr(io.StringIO()): run(['schema', '--strict'])\n"
        "print(*sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd="/")

    assert not {"typer", "click", "pydantic", "rich", "docker", "requests"} & set(done.stdout.split())
