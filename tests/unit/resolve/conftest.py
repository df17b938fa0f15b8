"""A configuration and a requirements file, resolved without a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_core.config import parse
from cog_core.resolve import Facts, RequirementsFile, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from cog_core.resolve import ResolvedBuild


@pytest.fixture
def resolved() -> Callable[..., ResolvedBuild]:
    def make(config: str = "", requirements: str | None = None, **facts: object) -> ResolvedBuild:
        text = config if requirements is None else f"build: {{python_requirements: requirements.txt}}\n{config}"
        file = None if requirements is None else RequirementsFile("requirements.txt", requirements)
        return resolve(parse(text), Facts(**({"directory": "my model", "requirements": file} | facts)))

    return make
