# ruff: noqa: UP035 - spellings that authors use
from typing import Iterator

from cog import BasePredictor, Path


class Predictor(BasePredictor):
    def predict(self, video: Path) -> Iterator[Path]:
        yield video
