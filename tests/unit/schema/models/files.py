# ruff: noqa: B008, PLR0917, UP006, UP035, UP045 - spellings that authors use
import pathlib
from typing import List, Optional

from cog import File, Input, Secret
from cog import Path as CogPath


def run(
    image: CogPath = Input(description="A picture", accept="image/*"),
    mask: Optional[CogPath] = None,
    pages: List[CogPath] = Input(accept=".pdf"),
    weights: pathlib.Path | None = None,
    raw: File = Input(),
    token: Secret = Input(description="For the service"),
    spare_token: Secret = None,
) -> List[CogPath]:
    return [image]
