"""Device files of GPUs, for a sandbox."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from cog_core.errors import BackendError
from cog_core.gpus import Gpus

_CARD: Final = re.compile(r"nvidia[0-9]+")


def gpu_nodes(asked: str, devices: Path = Path("/dev")) -> tuple[str, ...]:
    """Return the device files of GPUs: those asked for, and those of the driver, which all of them need.

    Args:
        asked: As ``docker run --gpus`` takes it.
        devices: Where device files are.

    Raises:
        BackendError: There are not as many, or not these.
    """
    gpus = Gpus.parse(asked)
    there = sorted(path.name for path in devices.glob("nvidia*") if not path.is_dir())
    cards = {name.removeprefix("nvidia"): name for name in there if _CARD.fullmatch(name)}
    if gpus.count == 0 or (gpus.if_any and not cards):
        return ()
    numbers = sorted(cards, key=int)
    wanted = gpus.devices or tuple(numbers if gpus.count is None else map(str, range(gpus.count)))
    missing = [number for number in wanted if number not in cards]
    if missing or not wanted:
        found = f"those here are {', '.join(numbers)}" if numbers else "this machine has none, or no driver for them"
        what = f"no GPU {', '.join(missing)}" if missing else "no GPU"
        raise BackendError(f"there is {what}: {found}", hint="Leave --gpus out, or ask for one that is there.")
    return (*(cards[number] for number in wanted), *(name for name in there if name not in cards.values()))
