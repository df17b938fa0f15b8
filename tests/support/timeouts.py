"""Gives every test a time limit, and stops the clock where only engines are waited for."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 120.0

# How long an example takes depends on who else uses the machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set pytest-timeout's limit before it reads it, unless somebody chose one."""
    if config.getoption("timeout", None) is None and "PYTEST_TIMEOUT" not in os.environ:
        config.option.timeout = SECONDS


@contextlib.contextmanager
def clock_stopped() -> Iterator[None]:
    """Do not count this time: installing an engine takes minutes, and says nothing about the test.

    It relies on pytest-timeout's ``signal`` method, which is its default wherever the system has the signal.
    """
    remaining, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, remaining)
