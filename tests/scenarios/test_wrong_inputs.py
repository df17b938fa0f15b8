"""A client makes mistakes; each is told before anything is built or started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import hello

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.program import Program


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("-i", "texd=world", "-i", "text=a"), 'unknown input "texd"; valid inputs are: text, times'),
        ((), 'missing required input "text"'),
        (("-i", "text=a", "-i", "times=two"), 'invalid input "times": expected integer, got string'),
        (("-i", "text=@nothing.txt"), "nothing.txt"),
        (("-i", "text=a", "-i", "times=1.5"), 'invalid input "times": expected integer'),
    ],
)
def test_a_wrong_input_is_named(project: Path, given: tuple[str, ...], told: str, program: Program) -> None:
    hello(project)

    done = program("run", *given)

    assert done.code == 7
    assert told in done.err
    assert done.out == ""
    assert "Building" not in done.err


def test_all_wrong_inputs_are_named_at_once(project: Path, program: Program) -> None:
    hello(project)

    done = program("run", "-i", "colour=red", "-i", "times=two")

    assert 'unknown input "colour"' in done.err
    assert 'missing required input "text"' in done.err
    assert 'invalid input "times"' in done.err


@pytest.fixture
def program(project: Path) -> Program:
    from tests.support.program import Program

    return Program(project)
