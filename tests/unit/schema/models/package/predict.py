# ruff: noqa: F403, F405 - spellings that authors use
from typing import TYPE_CHECKING

import settings

from cog import Input
from package.parts import *

from . import parts
from .parts import shapes as s
from .parts.base import Base as Parent

if TYPE_CHECKING:
    from .parts.shapes import Answer


class Predictor(Parent):
    def run(
        self,
        size: str = Input(choices=settings.SIZES, default=settings.DEFAULT),
        kind: s.Kind = s.Kind.ROUND,
        count: int = Input(le=LIMIT, default=parts.LIMIT),
    ) -> "Answer":
        return s.Answer(size=size)
