"""What the contract's runs share: a small base image."""

from __future__ import annotations

import pytest

from tests.contract.small_base import SmallBase, make


@pytest.fixture(scope="session")
def small_base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    """Give a base image of a few megabytes, on disk."""
    return make(tmp_path_factory.mktemp("small-base"))
