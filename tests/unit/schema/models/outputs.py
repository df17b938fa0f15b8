# ruff: noqa: UP006, UP007, UP035 - spellings that authors use
from dataclasses import dataclass
from datetime import datetime
from typing import Generator, NamedTuple, Tuple, Union

from PIL import Image

from cog import Path


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Result:
    picture: Image.Image
    point: Point
    pair: Tuple[str, Path]
    when: datetime
    either: Union[str, int, Path]
    tags: set[str]


def run() -> Generator[Result, None, None]:
    yield None
