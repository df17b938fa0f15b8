from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runtime.receiver import Receiver
from tests.runtime.serving import Interpreter, Servers, make_interpreter, this_series

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def interpreter(shared_cog_cache: Path) -> Interpreter:
    """The Python that runs the tests, arranged as in an image."""
    return make_interpreter(Path(sys.executable).resolve(), this_series(), shared_cog_cache)


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    return folder


@pytest.fixture
def serve(interpreter: Interpreter, model_folder: Path) -> Iterator[Servers]:
    """Start servers for models; they end with the test."""
    servers = Servers(interpreter, model_folder)
    yield servers
    servers.end()


@pytest.fixture(scope="module")
def keep(_session_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Start servers for models; they end with the module, and are to be started in fixtures of its scope."""
    interpreter = make_interpreter(Path(sys.executable).resolve(), this_series(), _session_cache)
    servers = Servers(interpreter, tmp_path_factory.mktemp("model"))
    yield servers
    servers.end()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.end()
