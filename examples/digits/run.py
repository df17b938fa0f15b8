"""Reads a handwritten digit."""

from pathlib import Path as File

import numpy as np
from cog import BaseModel, BaseRunner, Input, Path
from PIL import Image

from picture import normalise

WEIGHTS = File(__file__).with_name("weights.npz")


class Reading(BaseModel):
    """What the model sees in a picture."""

    digit: int
    probabilities: list[float]  # of 0, 1, 2 … 9


class Runner(BaseRunner):
    """A neural network with one hidden layer, in a few lines of numpy."""

    def setup(self) -> None:
        """Load the weights."""
        with np.load(WEIGHTS) as weights:
            self.hidden = weights["hidden"], weights["hidden_bias"]
            self.output = weights["output"], weights["output_bias"]

    def run(
        self,
        image: Path = Input(description="A picture of one digit: a scan, a photo or a drawing", accept="image/*"),
    ) -> Reading:
        """Say which digit is on the picture, and how sure that is."""
        with Image.open(image) as picture:
            pixels = normalise(picture)
        probabilities = self.classify(pixels)
        return Reading(
            digit=int(probabilities.argmax()),
            probabilities=[round(float(share), 4) for share in probabilities],
        )

    def classify(self, pixels: np.ndarray) -> np.ndarray:
        """Return the probabilities of the ten digits; several pictures at once give a row for each."""
        weights, bias = self.hidden
        activation = np.maximum(pixels @ weights + bias, 0)
        weights, bias = self.output
        scores = activation @ weights + bias
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return shares / shares.sum(axis=-1, keepdims=True)
