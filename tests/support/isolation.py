"""Keeps the user's settings away from tests, and tests from leaving anything behind."""

from __future__ import annotations

import itertools
import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import orphans

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REAL_ENVIRON: Mapping[str, str] = dict(os.environ)

# What would lead a test to the user's own engines, accounts, settings and repositories.
_DROPPED = re.compile(
    r"""COG_(?!TEST_).* | PIP_(?!CACHE_DIR$).* | DOCKER_.* | BUILDX_.* | BUILDKIT_.* | CONTAINERS?_.*
    | REGISTRY_AUTH_FILE | GIT_(DIR|WORK_TREE|INDEX_FILE)
    | SOURCE_DATE_EPOCH | NO_COLOR | FORCE_COLOR | XDG_.* | NETRC""",
    re.VERBOSE,
)

# What is only a cache or an installed tool stays where it is: (variable, its usual place under the home folder).
_KEPT = (
    ("UV_CACHE_DIR", ".cache/uv"),
    ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python"),
    ("PIP_CACHE_DIR", ".cache/pip"),
    ("PYENV_ROOT", ".pyenv"),
    ("CARGO_HOME", ".cargo"),
    ("RUSTUP_HOME", ".rustup"),
    ("GOPATH", "go"),
    ("GOCACHE", ".cache/go-build"),
    ("npm_config_cache", ".npm"),
)
_XDG = {
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "XDG_RUNTIME_DIR": ".run",
}
_VOLATILE = "PYTEST_CURRENT_TEST"


def isolated_environ(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return the environment that a test sees.

    Args:
        environ: The real one.
        home: A folder of the test's own.
    """
    kept = {name: value for name, value in environ.items() if not _DROPPED.fullmatch(name)}
    caches = {
        name: str(path)
        for name, below in _KEPT
        if name not in environ and (path := _usual_place(environ, below)).is_dir()
    }
    return {**kept, **caches, **home_variables(home), "PIP_CONFIG_FILE": os.devnull}


def home_variables(home: Path) -> dict[str, str]:
    """Return the variables that say where a user's files are."""
    return {"HOME": str(home), **{name: str(home / below) for name, below in _XDG.items()}}


def _usual_place(environ: Mapping[str, str], below: str) -> Path:
    cache, home = environ.get("XDG_CACHE_HOME"), Path(environ.get("HOME", "/nonexistent"))
    if cache and below.startswith(".cache/"):
        return Path(cache, below.removeprefix(".cache/"))
    return home / below


class Homes:
    """Home folders below one folder; a test gets the last one again if nobody wrote to it, which saves time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._numbers = itertools.count()
        self._last: Path | None = None

    def empty(self) -> Path:
        """Return an empty home folder, and name it in the environment."""
        if self._last is None or not self._last.is_dir() or any(self._last.iterdir()):
            self._last = self._root / str(next(self._numbers))
            self._last.mkdir()
            os.environ.update(home_variables(self._last))
        return self._last


@pytest.fixture(scope="session", autouse=True)
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homes]:
    """Isolate fixtures of wider scope too, in a home folder that they share."""
    root = tmp_path_factory.mktemp("homes")
    _replace_environ(isolated_environ(REAL_ENVIRON, root))
    yield Homes(root)
    _replace_environ(REAL_ENVIRON)


@pytest.fixture(autouse=True)
def isolated(_homes: Homes) -> Iterator[Path]:
    """Give the test an empty home folder, and fail it if it leaves processes, variables or a folder change behind."""
    home = _homes.empty()
    given, cwd, before = _environ(), Path.cwd(), orphans.children()
    yield home
    problems = [*_changed_environ(given), *_changed_folder(cwd), *_left_processes(before)]
    if problems:
        _replace_environ(given)
        os.chdir(cwd)
        pytest.fail("the test left something behind:\n" + "\n".join(problems), pytrace=False)


def _environ() -> dict[str, str]:
    environ = dict(os.environ)
    environ.pop(_VOLATILE, None)
    return environ


def _replace_environ(wanted: Mapping[str, str]) -> None:
    for name in _environ().keys() - wanted.keys():
        del os.environ[name]
    os.environ.update(wanted)


def _changed_environ(given: Mapping[str, str]) -> list[str]:
    now = _environ()
    names = sorted(name for name in {*given, *now} if given.get(name) != now.get(name)) if given != now else []
    return [f"environment variable {name}: {given.get(name)!r} became {now.get(name)!r}" for name in names]


def _changed_folder(cwd: Path) -> list[str]:
    try:
        now = Path.cwd()
    except FileNotFoundError:
        return [f"the current folder, which was {cwd}, does not exist any more"]
    return [] if now == cwd else [f"the current folder: {cwd} became {now}"]


def _left_processes(before: frozenset[orphans.Process]) -> list[str]:
    left = orphans.end_those_left(before)
    return [f"process {process.pid}: {process.command}" for process in sorted(left, key=lambda found: found.pid)]


@pytest.fixture(scope="session")
def _session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cog-cache")


@pytest.fixture
def shared_cog_cache(_session_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point ``COG_CACHE_DIR`` at a folder that all tests of this run share, for what is slow to make."""
    monkeypatch.setenv("COG_CACHE_DIR", str(_session_cache))
    return _session_cache


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    orphans.adopt(on=True)
    # A shell starts what it puts in the background with Ctrl-C ignored, and so would be all that the tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
