# ruff: noqa: B008, PLR0917, RUF036, UP007, UP037, UP045 - spellings that authors use
from __future__ import annotations

from typing import Optional, Union

from cog import Input


def run(
    a: Optional[str],
    b: str | None,
    c: Union[None, int] = None,
    d: "Optional[float]" = Input(default=0.5, description="A number"),
    e: list[str] | None = Input(default=None),
    f: None | bool = True,
) -> str | None:
    return a
