# ruff: noqa: PLR0917, UP006, UP007, UP035, UP045 - spellings that authors use
from typing import Annotated, Any, Dict, List, Optional, TypedDict, Union

import numpy as np

from cog import Opaque


class Message(TypedDict):
    role: str
    content: str


def run(
    data: Any,
    items: List[dict],
    table: Dict[str, int],
    messages: list[Message],
    matrix: list[list[float]],
    bare: list,
    either: Union[str, list[str]],
    more: Optional[Union[int, str]],
    opaque: Annotated[np.ndarray, Opaque],
    opaques: Annotated[Optional[list[np.ndarray]], Opaque] = None,
) -> Dict[str, List[float]]:
    return {}
