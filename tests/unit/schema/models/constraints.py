# ruff: noqa: PLR0917 - spellings that authors use
from cog import BasePredictor, Input

MOST = 4


class Predictor(BasePredictor):
    def predict(
        self,
        prompt: str = Input(description='A "prompt" of one line', min_length=1, max_length=2 * 100, regex=r"^\w.*$"),
        negative_prompt: str = "",
        width: int = Input(default=512, ge=64, le=2048),
        guidance_scale: float = Input(7.5, ge=0, le=20.0),
        count: int = Input(1, ge=1, le=MOST),
        seed: int = Input(default=None, description="Left out: a random one"),
        tiny: float = 1e-7,
        large: float = 1e21,
        _hidden: bool = False,
        old: bool = Input(default=True, deprecated=True),
    ) -> float:
        return guidance_scale
