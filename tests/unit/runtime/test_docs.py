from __future__ import annotations

import re
from pathlib import Path

import pytest

from cog_runtime.server.settings import read

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "docs" / "reference"


def test_every_test_that_the_table_of_compatibility_names_exists():
    text = (REFERENCE / "compatibility.md").read_text("utf-8")
    named = re.findall(r"`((?:\w+/)*test_\w+\.py)(?:::(\w+))?`", text)
    assert len(named) > 40
    for file, test in named:
        path = ROOT / (file if file.startswith("tests/") else f"tests/runtime/{file}")
        assert not test or f"def {test}(" in path.read_text("utf-8"), (file, test)


ROWS = re.findall(r"^\|.*\|$", (REFERENCE / "compatibility.md").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("line", ROWS)
def test_every_row_says_what_shows_it(line):
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert len(cells) == 3
    assert all(cells)


SETTINGS = (REFERENCE / "runtime-settings.md").read_text("utf-8")
MODEL = {"COG_PREDICT_TYPE_STUB": "predict.py:Runner"}
# Read by libraries, not by us.
FOREIGN = {"http_proxy", "https_proxy", "no_proxy", "OTEL_RESOURCE_ATTRIBUTES"}


def settings_rows(first: str) -> dict[str, list[str]]:
    """Return the cells of all rows of the tables that begin with this heading, by each name in the first cell."""
    found = {}
    inside = False
    for line in SETTINGS.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == first:
            inside = True
        elif inside and not cells[0].startswith("---"):
            found |= dict.fromkeys(re.findall(r"`([^`]+)`", cells[0]), cells)
    return found


VARIABLES = settings_rows("variable")
OPTIONS = settings_rows("option")


def variables_in_sources() -> set[str]:
    names = {"COG_PREDICT_TYPE_STUB", "COG_TRAIN_TYPE_STUB"}
    sources = ROOT / "src"
    for folder in ("cog", "cog_runtime"):
        for path in (sources / folder).rglob("*.py"):
            names |= set(
                re.findall(
                    r'"((?:COG|WEBHOOK|LOG|RUST|SENTRY|OTEL|KUBERNETES|PYTHON|SSL|REQUESTS)_?[A-Z_]*[A-Z]|PORT|TE?MP(?:DIR)?)"',
                    path.read_text("utf-8"),
                )
            )
    return names


def test_every_variable_that_an_image_obeys_has_a_row_and_no_other() -> None:
    assert len(VARIABLES) > 45
    assert variables_in_sources() - VARIABLES.keys() == set()
    assert VARIABLES.keys() - variables_in_sources() - FOREIGN == set()


def test_every_row_has_a_meaning_and_an_example() -> None:
    for name, cells in VARIABLES.items():
        assert len(cells) == 5, name
        assert cells[1], name
        assert cells[3], name
        assert re.fullmatch("`[^`]+`", cells[4]), name


READ_AT_THE_START = sorted(
    name
    for name in VARIABLES
    if f'"{name}"' in (ROOT / "src/cog_runtime/server/settings.py").read_text("utf-8")
    or name in {"COG_LOG_LEVEL", "RUST_LOG", "COG_LOG_FORMAT", "LOG_FORMAT", "COG_TRAIN_TYPE_STUB"}
)


@pytest.mark.parametrize("name", READ_AT_THE_START)
def test_the_example_of_a_variable_is_understood_and_changes_something(name: str) -> None:
    usual, example = read([], MODEL), VARIABLES[name][4].strip("`")
    beside = {"COG_TLS_CERT": "/cert.pem"} if name == "COG_TLS_KEY" else {}
    changed = read([], {**MODEL, **beside, name: example})
    silent = {"environ": None, "warnings": None}
    if name in {"SENTRY_DSN", "RUST_WORKER_DIRECT_LOG"}:
        assert "no effect" in changed.warnings[0]
        return
    assert changed.warnings == ()
    assert changed._replace(**silent) != usual._replace(**silent)


@pytest.mark.parametrize("name", [name for name in READ_AT_THE_START if VARIABLES[name][3].split()[0][0].isdigit()])
def test_the_default_of_a_number_is_the_one_that_counts(name: str) -> None:
    number = re.match(r"[0-9.]+", VARIABLES[name][3])
    assert number is not None
    given = read([], {**MODEL, name: number.group()})
    assert given._replace(environ={}) == read([], MODEL)._replace(environ={})


def test_every_option_has_a_row_whose_example_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read(["--help"], MODEL)
    assert set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) == OPTIONS.keys()
    for name, cells in OPTIONS.items():
        if name not in {"--help", "--version"}:
            environ = {**MODEL, "COG_TRAIN_TYPE_STUB": "train.py:train"}
            read(cells[3].strip("`").split(), environ)


ROUTES = (ROOT / "src" / "cog_runtime" / "server" / "app.py").read_text("utf-8")


def test_every_route_is_described() -> None:
    described = (REFERENCE / "http-api.md").read_text("utf-8")
    routes = set(re.findall(r'(?:_Exact|_calls|_One)\("(/[^"]*)"', ROUTES))
    assert len(routes) > 8
    assert {route for route in routes if f"{route}`" not in described} == set()


def test_every_status_that_is_answered_is_described() -> None:
    described = (REFERENCE / "http-api.md").read_text("utf-8")
    sources = (ROOT / "src" / "cog_runtime" / "server").rglob("*.py")
    statuses = {
        status
        for path in sources
        for status in re.findall(r"(?:Answer\(|send\w*\(send, )(\d{3})", path.read_text("utf-8"))
    }
    assert len(statuses) > 10
    assert {status for status in statuses if status not in described} == set()
