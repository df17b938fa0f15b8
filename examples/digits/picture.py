"""Brings any picture of a digit into the one form that the model knows; training and predictions both use it."""

import numpy as np
from PIL import Image, ImageOps

SIDE = 16
"""Width and height of what the model sees, in pixels."""

_DIGIT = 14  # the longer side of the digit itself; what is left is an even margin
_LARGEST = 400  # bigger pictures are shrunk first: a phone's twelve megapixels tell no more
_FAINTEST = 24  # steps of brightness, of 255, between paper and ink
_SHADOW = 0.35  # what is fainter than this share of the darkest ink is paper


def normalise(picture: Image.Image) -> np.ndarray:
    """Return the digit as ``SIDE * SIDE`` numbers, from 0 for paper to 1 for ink.

    It does not matter how large the picture is, where on it the digit stands, and whether it is dark on light or
    light on dark: ink is whatever differs from the picture's edge.

    Raises:
        ValueError: There is nothing on the picture.
    """
    ink = _ink(_grey(picture))
    digit = _fit(_crop(ink))
    return (digit / digit.max()).astype(np.float32).ravel()


def _grey(picture: Image.Image) -> np.ndarray:
    upright = ImageOps.exif_transpose(picture).convert("RGBA")
    upright.thumbnail((_LARGEST, _LARGEST))
    paper = Image.new("RGBA", upright.size, "white")
    return np.asarray(Image.alpha_composite(paper, upright).convert("L"), dtype=np.float32)


def _ink(grey: np.ndarray) -> np.ndarray:
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    difference = np.abs(grey - np.median(edge))
    darkest = np.percentile(difference, 99.8)
    if darkest < _FAINTEST:
        raise ValueError("the picture shows no digit: all of it has about the same brightness")
    return np.clip((difference / darkest - _SHADOW) / (1 - _SHADOW), 0, 1)


def _crop(ink: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(ink > 0)
    return ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def _fit(ink: np.ndarray) -> np.ndarray:
    scale = _DIGIT / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    small = Image.fromarray(ink.astype(np.float32)).resize((width, height), Image.Resampling.BOX)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    square = np.zeros((SIDE, SIDE))
    square[top : top + height, left : left + width] = np.asarray(small)
    return square
