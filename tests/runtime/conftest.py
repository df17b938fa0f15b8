from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.runtime.receiver import Receiver
from tests.runtime.serving import Interpreter, Server, make_interpreter, start, this_series, write_model

if TYPE_CHECKING:
    from collections.abc import Iterator


class Serve(Protocol):
    """Starts a server for a model's source; it is ended with the test."""

    def __call__(
        self,
        source: str,
        *arguments: str,
        train: bool = ...,
        wait: bool = ...,
        files: dict[str, str] | None = ...,
        **variables: str,
    ) -> Server: ...


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
def serve(interpreter: Interpreter, model_folder: Path) -> Iterator[Serve]:
    started: list[Server] = []

    def serve(
        source: str,
        *arguments: str,
        train: bool = False,
        wait: bool = True,
        files: dict[str, str] | None = None,
        **variables: str,
    ) -> Server:
        write_model(model_folder, source, train=train, **(files or {}))
        server = start(interpreter, model_folder, *arguments, **variables)
        started.append(server)
        if wait:
            server.wait_for("READY")
        return server

    yield serve
    for server in started:
        server.end()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.end()
