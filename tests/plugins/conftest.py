"""What tests of plugins share: wheels of cog-core, and environments to install them into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.small_base import make as make_small_base
from tests.plugins.bases import with_python
from tests.support.environments import ROOT, Environment, wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.small_base import SmallBase


@pytest.fixture(scope="session")
def core_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a wheel of this very source."""
    return wheel(ROOT, tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="session")
def environment(core_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Environment]:
    """Make fresh environments: ``environment(project, ...)`` has cog-core and these projects installed."""

    def make(*projects: Path) -> Environment:
        folder = tmp_path_factory.mktemp("environment")
        made = Environment.make(folder / "venv")
        made.install(core_wheel, *(wheel(project, folder / "wheels") for project in projects))
        return made

    return make


@pytest.fixture(scope="session")
def base_layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a small base image with something that is called Python."""
    return with_python(tmp_path_factory.mktemp("base"), "3.11")


@pytest.fixture(scope="session")
def small_base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    """Give a base image of a few megabytes, on disk."""
    return make_small_base(tmp_path_factory.mktemp("small-base"))
