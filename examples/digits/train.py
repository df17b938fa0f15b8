"""Trains the digit model: writes ``weights.npz`` and ``samples/``, and prints the accuracy.

    pip install scikit-learn numpy pillow
    python train.py

It needs less than a minute and no download: scikit-learn brings the 1797 scans with it. Same versions, same weights.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from picture import normalise

HERE = Path(__file__).parent
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
HIDDEN = 128
VARIANTS = 16
"""How often the network sees each scan: once as it is, and then taller, slanted, turned, and with other pens."""


def enlarge(scan: np.ndarray, side: int = 112) -> Image.Image:
    """Make a picture, dark on light and with a margin, of a scan: 8 by 8 numbers from 0 (paper) to 16 (ink)."""
    paper = np.pad(255 - scan * (255 / 16), 3, constant_values=255).astype(np.uint8)
    return Image.fromarray(paper).resize((side, side), Image.Resampling.BICUBIC)


def vary(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the digit as another hand might have written it."""
    width, height = picture.width, round(picture.height * rng.uniform(0.8, 2))
    slant = rng.uniform(-0.2, 0.2)
    upright = picture.resize((width, height), Image.Resampling.BILINEAR)
    shape = (1, slant, -slant * height / 2, 0, 1, 0)
    slanted = upright.transform(upright.size, Image.Transform.AFFINE, shape, Image.Resampling.BILINEAR, fillcolor=255)
    turned = slanted.rotate(rng.uniform(-10, 10), Image.Resampling.BILINEAR, fillcolor=255)
    pen = rng.choice(["brush", "fine", "ink", "marker"])
    if pen == "brush":
        return turned
    sharp = turned.point(lambda grey: 0 if grey < 140 else 255)
    filters = {"fine": ImageFilter.MaxFilter(3), "ink": ImageFilter.MinFilter(1), "marker": ImageFilter.MinFilter(5)}
    return sharp.filter(filters[pen])


def training_set(scans: np.ndarray, digits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what the network learns from: all variants of the scans, and which digits they are."""
    rng = np.random.default_rng(0)
    pictures = [enlarge(scan) for scan in scans]
    rows = [normalise(picture) for picture in pictures]
    rows += [normalise(vary(picture, rng)) for _ in range(VARIANTS - 1) for picture in pictures]
    return np.array(rows), np.tile(digits, VARIANTS)


def write_weights(network: MLPClassifier) -> None:
    """Save the network as ``run.py`` reads it."""
    names = ("hidden", "output", "hidden_bias", "output_bias")
    arrays = (*network.coefs_, *network.intercepts_)
    np.savez(HERE / "weights.npz", **{n: a.astype(np.float32) for n, a in zip(names, arrays, strict=True)})


def write_samples(scans: np.ndarray, sureness: np.ndarray) -> None:
    """Save the scan of each digit that the network is surest of as a picture."""
    folder = HERE / "samples"
    folder.mkdir(exist_ok=True)
    for digit, name in enumerate(NAMES):
        enlarge(scans[sureness[:, digit].argmax()], 200).save(folder / f"{name}.png", optimize=True)


def main() -> None:
    """Train on four fifths of the scans, and measure on the fifth that the network has never seen."""
    data = load_digits()
    split = train_test_split(data.images, data.target, test_size=0.2, stratify=data.target, random_state=0)
    scans, unseen_scans, digits, unseen_digits = split
    network = MLPClassifier((HIDDEN,), alpha=1e-3, max_iter=30, random_state=0, tol=0, n_iter_no_change=30)
    network.fit(*training_set(scans, digits))
    unseen = np.array([normalise(enlarge(scan)) for scan in unseen_scans])
    right = int((network.predict(unseen) == unseen_digits).sum())
    print(f"{right} of {len(unseen_digits)} unseen scans read correctly: {right / len(unseen_digits):.1%}")
    write_weights(network)
    write_samples(unseen_scans, network.predict_proba(unseen))


if __name__ == "__main__":
    main()
