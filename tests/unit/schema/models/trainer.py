# ruff: noqa: B008 - spellings that authors use
from cog import BaseModel, BasePredictor, Input, Path


class TrainingOutput(BaseModel):
    weights: Path


def train(
    images: Path = Input(description="A zip of pictures"),
    steps: int = Input(default=1000, choices=[500, 1000]),
    kind: str = Input(default="style", choices=["style", "face"]),
) -> TrainingOutput:
    return TrainingOutput(weights=images)


class Predictor(BasePredictor):
    def predict(self, prompt: str, kind: str = Input(default="png", choices=["png", "jpg"])) -> str:
        return prompt
