"""Draws the outlines of what a picture shows, and sends the picture after every step."""

import tempfile
from collections.abc import Iterator
from functools import reduce
from pathlib import Path as Folder

from cog import BaseRunner, Input, Path, streaming
from PIL import Image, ImageChops, ImageFilter, ImageOps

LARGEST = 1200
"""Pixels of the longer side; larger pictures are shrunk first."""


class Runner(BaseRunner):
    """Finds edges: where the colour changes much within a few pixels."""

    @streaming
    def run(
        self,
        image: Path = Input(description="A picture of anything", accept="image/*"),
        smoothing: float = Input(description="Radius of what counts as noise, in pixels", default=1.5, ge=0, le=20),
        threshold: int = Input(description="Weakest edge that is drawn, in per cent", default=12, ge=1, le=100),
    ) -> Iterator[Path]:
        """Yield four pictures: smooth, the edges of each colour, the strongest of them, and the outline."""
        with tempfile.TemporaryDirectory() as folder:
            for step, picture in enumerate(steps(image, smoothing, threshold), 1):
                file = Folder(folder) / f"step-{step}.png"
                picture.save(file)
                yield Path(file)


def steps(image: Path, smoothing: float, threshold: int) -> Iterator[Image.Image]:
    """Yield the picture after each step, the finished outline last."""
    with Image.open(image) as original:
        picture = ImageOps.exif_transpose(original).convert("RGB")
    picture.thumbnail((LARGEST, LARGEST))
    smooth = picture.filter(ImageFilter.GaussianBlur(smoothing))
    yield smooth
    lightest, darkest = smooth.filter(ImageFilter.MaxFilter(3)), smooth.filter(ImageFilter.MinFilter(3))
    colours = ImageChops.subtract(lightest, darkest)
    yield colours
    edges = ImageOps.autocontrast(reduce(ImageChops.lighter, colours.split()))
    yield edges
    weakest = threshold * 255 / 100
    yield edges.point(lambda strength: 0 if strength >= weakest else 255)
