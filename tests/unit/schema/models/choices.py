# ruff: noqa: B008, PLR0917, RUF005, UP006, UP035, UP045 - spellings that authors use
from enum import Enum
from typing import List, Literal, Optional, get_args

from cog import Input

SIZES = {"small": (256, 256), "large": (1024, 1024)}
STYLES = ["plain", "fancy"]
Speed = Literal["fast", "slow"]


class Quality(str, Enum):
    LOW = "low"
    HIGH = "high"


class Predictor:
    def run(
        self,
        scheduler: str = Input(choices=["DDIM", "K_EULER"], default="DDIM", description="How to sample"),
        size: str = Input(choices=list(SIZES.keys()), default="small"),
        style: str = Input(choices=STYLES + ["random"]),
        steps: int = Input(choices=[2**n for n in range(3, 6)], default=8),
        tags: List[str] = Input(choices=("a", "b"), default=["a"]),
        speed: Speed = "fast",
        quality: Quality = Quality.LOW,
        maybe: Optional[Literal["x", "y"]] = None,
        speeds: str = Input(choices=sorted(get_args(Speed)), default="slow"),
    ) -> str:
        return scheduler
