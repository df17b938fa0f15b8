"""What pytest calls: brings engines up before the fixtures of a marked test, and lists what was skipped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn, TypeVar

import pytest

from tests.engines.machine import Broken, Machine, Unavailable
from tests.engines.session import Engines
from tests.engines.table import KINDS
from tests.support.isolation import REAL_ENVIRON
from tests.support.timeouts import clock_stopped

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

ENGINES = pytest.StashKey[Engines]()


def pytest_configure(config: pytest.Config) -> None:
    """Read the variables; nothing is brought up before a test needs it."""
    try:
        machine = Machine.from_environ(REAL_ENVIRON, _teller(config))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[ENGINES] = Engines(machine)
    config.add_cleanup(config.stash[ENGINES].close)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse engines that nobody knows, so that a misspelt marker cannot skip a test for ever."""
    unknown = {f"{item.nodeid}: {name}" for item in items for name in wanted(item) if name not in KINDS}
    if unknown:
        lines = "\n".join(sorted(unknown))
        raise pytest.UsageError(f"no such engine (there are {', '.join(sorted(KINDS))}):\n{lines}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Bring up what the test's markers name; skip or fail it otherwise."""
    names = wanted(item)
    if not names:
        return
    with clock_stopped():
        lacking = [error for name in names if (error := item.config.stash[ENGINES].why_not(name)) is not None]
    if lacking:
        _give_up(item.config, lacking)


def wanted(item: pytest.Item) -> list[str]:
    """Return the names in the ``engine`` markers of a test, each once, outermost first."""
    markers = reversed(list(item.iter_markers("engine")))
    return list(dict.fromkeys(name for marker in markers for name in marker.args))


def provide(config: pytest.Config, get: Callable[[Engines], _T]) -> _T:
    """Get something from the engines while the test's clock stands still; skip or fail the test without it."""
    try:
        with clock_stopped():
            return get(config.stash[ENGINES])
    except (Unavailable, Broken) as error:
        _give_up(config, [error])


def _give_up(config: pytest.Config, lacking: list[Unavailable | Broken]) -> NoReturn:
    broken = [error for error in lacking if isinstance(error, Broken)]
    if broken:
        pytest.fail("\n".join(map(str, broken)), pytrace=False)
    missing = [error for error in lacking if isinstance(error, Unavailable)]
    config.stash[ENGINES].lacking.update((error.reason, error.how) for error in missing)
    pytest.skip("; ".join(error.reason for error in missing))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List what was not tested here, why, and how to have it."""
    lacking = config.stash[ENGINES].lacking
    if not lacking:
        return
    terminalreporter.section("not tested on this machine")
    for (reason, how), count in sorted(lacking.items()):
        tests = "1 test" if count == 1 else f"{count} tests"
        terminalreporter.line(f"{tests}: {reason}")
        terminalreporter.line(f"    to have it: {how}")


def _teller(config: pytest.Config) -> Callable[[str], None]:
    def tell(line: str) -> None:
        capture = config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            os.write(2, f"\n[engines] {line}\n".encode())

    return tell
