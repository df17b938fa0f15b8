"""What the server's libraries log stands among its own lines."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from cog_runtime.server.log import Log
from cog_runtime.server.serve import hear_libraries

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["uvicorn.error", "asyncio"])
def logger(request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    """A logger of a library; afterwards it is as it was."""
    loggers = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")]
    before = [(each, each.handlers, each.propagate, each.level) for each in loggers]
    hear_libraries(Log())
    yield logging.getLogger(request.param)
    for each, handlers, propagate, level in before:
        each.handlers, each.propagate = handlers, propagate
        each.setLevel(level)


def test_a_line_of_a_library_is_one_of_ours(logger: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    logger.info("Started")
    logger.warning("no %s\n", "luck")
    logger.critical("worse")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [(line["level"], line["target"], line["fields"]) for line in lines] == [
        ("WARN", "cog", {"message": "no luck", "logger": logger.name}),
        ("ERROR", "cog", {"message": "worse", "logger": logger.name}),
    ]


def test_an_exception_is_a_field(logger: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    try:
        int("lost")
    except ValueError:
        logger.exception("Exception in ASGI application")
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line)["fields"]["error"].endswith("with base 10: 'lost'")
