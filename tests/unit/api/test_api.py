"""The public interface changes only when somebody means it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.api.listing import PUBLIC, Interface

if TYPE_CHECKING:
    from tests.support.golden import Golden

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "api.md"
START, END = "<!-- names: written by `pytest tests/unit/api --update-golden` -->\n", "<!-- end of names -->\n"


@pytest.fixture(scope="module")
def interface() -> Interface:
    return Interface()


def test_the_interface_is_the_one_that_is_written_down(interface: Interface, golden: Golden):
    """A line that goes away or changes is a new first number; a new line a new second number (api.md)."""
    golden("api.txt", "".join(f"{line}\n" for line in interface.lines()))


def test_the_page_lists_the_same_names(interface: Interface, request: pytest.FixtureRequest):
    before, _, rest = PAGE.read_text("utf-8").partition(START)
    shown, _, after = rest.partition(END)
    wanted = "".join(section(title, modules, interface) for title, modules in PUBLIC.items())

    if request.config.getoption("--update-golden"):
        PAGE.write_text(f"{before}{START}{wanted}\n{END}{after}", "utf-8")
    else:
        assert shown == f"{wanted}\n", "run this test with --update-golden and read what it wrote"


def section(title: str, modules: tuple[str, ...], interface: Interface) -> str:
    """Return the part of the page about some modules."""
    rows = [
        f"| `{module}` | {interface.summary(module)} | {' '.join(f'`{name}`' for name in interface.names(module))} |"
        for module in modules
    ]
    return "\n".join([f"\n### {title}\n", "| Module | What it is | Names |", "|---|---|---|", *rows, ""])


def test_every_name_is_really_there(interface: Interface):
    missing = [
        f"{module}.{name}"
        for module in interface.modules()
        for name in interface.names(module)
        if not hasattr(importlib.import_module(module), name)
    ]

    assert not missing


def test_every_public_thing_has_a_docstring(interface: Interface):
    assert [module for module in interface.modules() if not interface.summary(module)] == []
