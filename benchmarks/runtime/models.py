"""The models that both servers run, each the same file for both, and what they are asked."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cog_core.schema import Mode, dumps, read_model, to_openapi
from cog_core.values import COMPATIBLE_COG_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MIB = 1 << 20
_HEAD = "from cog import BasePredictor, ConcatenateIterator, Path, streaming\n\n\nclass Predictor(BasePredictor):\n"


@dataclass(frozen=True)
class Model:
    """A model and one request.

    Attributes:
        name: Of its folder.
        method: The source of its method.
        input: What it is asked.
        slots: Predictions at a time; None: a method that blocks takes one.
    """

    name: str
    method: str
    input: Mapping[str, str | list[float]] = field(default_factory=dict)
    slots: int | None = None

    def write(self, folder: Path) -> Path:
        """Write its source, the schema that a build would bake in, and the request's body; return its folder."""
        here = folder / self.name
        (here / ".cog").mkdir(parents=True)
        lines = self.method.strip().splitlines()
        (here / "predict.py").write_text(_HEAD + "".join(f"    {line}\n" for line in lines))
        model = read_model(here, "predict.py:Predictor", mode=Mode.PREDICT)
        document = to_openapi(model, version=COMPATIBLE_COG_VERSION)
        (here / ".cog" / "openapi_schema.json").write_text(dumps(document))
        (here / "body.json").write_text(json.dumps({"input": self.input}))
        return here


HELLO = Model("hello", "def predict(self, s: str) -> str:\n    return 'hello ' + s", {"s": "world"})
HELLO_ASYNC = Model(
    "hello-async", "async def predict(self, s: str) -> str:\n    return 'hello ' + s", {"s": "world"}, slots=64
)
SLEEP = Model(
    "sleep",
    "async def predict(self) -> str:\n    import asyncio\n    await asyncio.sleep(0.01)\n    return 'slept'",
    slots=128,
)
ECHO = Model("echo", "def predict(self, s: str) -> str:\n    return s", {"s": "x" * MIB})
NUMBERS = Model(
    "numbers",
    "def predict(self, values: list[float]) -> float:\n    return sum(values)",
    {"values": [number / 7 for number in range(MIB // 18)]},
)
FILE = Model(
    "file",
    "def predict(self, file: Path) -> Path:\n    return file",
    {"file": "data:application/octet-stream;base64," + base64.b64encode(bytes(range(256)) * (MIB // 256)).decode()},
)
YIELDS = Model(
    "yields",
    "@streaming\n"
    "def predict(self) -> ConcatenateIterator[str]:\n    for number in range(100):\n        yield f'{number} '",
)
