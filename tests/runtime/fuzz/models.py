"""The models that are attacked, each with the settings of its server."""

from __future__ import annotations

from typing import Final

import attrs

_HELLO = """
    class Runner:
        def run(self, text: str) -> str:
            return "hello " + text
    """
_KINDS = """
    import datetime
    from typing import Any, Optional
    from cog import BasePredictor, File, Input, Path, Secret

    class Runner(BasePredictor):
        def predict(
            self,
            text: str = Input(default="a", min_length=1, max_length=10),
            pattern: str = Input(default="abc", regex="^[a-z]{1,8}$"),
            whole: int = Input(default=1, ge=-5, le=5),
            number: float = 0.5,
            flag: bool = False,
            choice: str = Input(default="a", choices=["a", "b"]),
            level: int = Input(default=1, choices=[1, 2, 3]),
            maybe: Optional[int] = None,
            texts: list[str] = Input(default=["x"]),
            wholes: list[int] = Input(default=[]),
            table: dict = Input(default={}),
            anything: Optional[Any] = None,
            key: Optional[Secret] = Input(default=None),
            file: Optional[Path] = Input(default=None),
            files: list[Path] = Input(default=[]),
            handle: Optional[File] = Input(default=None),
        ) -> Any:
            if key is not None:
                str(key.get_secret_value())
            read = [each.read_bytes() for each in [file, *files] if each is not None]
            plain = [text, whole, number, flag, choice, level, maybe, texts, wholes]
            return {"plain": plain, "table": table, "anything": anything, "read": len(read)}
    """
_STREAMING = """
    import time
    import cog
    from typing import Iterator

    class Runner:
        @cog.streaming
        def run(self, text: str = "abc", count: int = cog.Input(default=3, ge=0, le=20)) -> Iterator[str]:
            for number in range(count):
                print("item", number)
                cog.current_scope().record_metric("items", number)
                yield text
    """
_ASYNC = """
    import asyncio
    from cog import BaseModel, Input, concurrent

    class Answer(BaseModel):
        text: str
        seconds: float

    class Runner:
        @concurrent(max=4)
        async def run(self, text: str, seconds: float = Input(default=0.01, ge=0, le=0.05)) -> Answer:
            await asyncio.sleep(seconds)
            return Answer(text=text, seconds=seconds)
    """
_TRAINED = """
    import time
    from typing import Optional
    from cog import BaseModel, Input

    class Weights(BaseModel):
        weights: str

    def train(data: str, steps: int = Input(default=1, ge=1, le=3)) -> Weights:
        time.sleep(steps / 1000)
        return Weights(weights=data)

    class Runner:
        def setup(self, weights: Optional[str] = None):
            pass

        def run(self, n: int) -> int:
            if n < 0:
                raise ValueError("below zero")
            return n
    """


@attrs.frozen
class Target:
    """A model under attack.

    Attributes:
        source: Its ``predict.py``.
        settings: Environment variables of its server.
        train: It can be trained.
    """

    source: str
    settings: tuple[tuple[str, str], ...] = ()
    train: bool = False


TARGETS: Final = {
    "hello": Target(_HELLO),
    "kinds": Target(_KINDS),
    "streaming": Target(_STREAMING),
    "async": Target(_ASYNC),
    "queue": Target(_ASYNC, (("COG_QUEUE", "2"), ("COG_WORKERS", "2"), ("COG_MAX_CONCURRENCY", "1"))),
    "trained": Target(_TRAINED, (("COG_TRAIN_TYPE_STUB", "predict.py:train"),), train=True),
}
