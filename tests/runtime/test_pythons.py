"""The same bundle story on every Python that this machine has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cog_core.values import PYTHONS
from tests.runtime.serving import make_interpreter, start, this_series, write_model

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = """
    import sys
    from typing import Optional
    import cog
    import coglet
    from cog import BasePredictor, Input, Path, Secret

    class Runner(BasePredictor):
        def setup(self):
            self.ready = True

        def predict(
            self,
            file: Path,
            key: Secret = Input(default=None),
            n: int = Input(default=2, ge=1),
            name: Optional[str] = None,
        ) -> str:
            assert self.ready and all(hasattr(cog, each) for each in cog.__all__)
            assert coglet.CancelationException is cog.CancelationException
            assert name is None and key is None and file.suffix == ".txt"
            return "%d.%d " % sys.version_info[:2] + file.read_text() * n
    """


def pythons() -> Iterator[tuple[str, Path]]:
    """Yield other Pythons: the series, and the program."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for folder in sorted(versions.glob("3.*")):
        series = ".".join(folder.name.split(".")[:2])
        python = folder / "bin" / "python3"
        if series in PYTHONS and series != this_series() and python.exists():
            yield series, python


@pytest.mark.slow
@pytest.mark.parametrize(("series", "python"), list(pythons()))
def test_a_model_is_served(series: str, python: Path, model_folder: Path, shared_cog_cache: Path) -> None:
    write_model(model_folder, SOURCE)
    server = start(make_interpreter(python, series, shared_cog_cache), model_folder)
    try:
        server.wait_for("READY")
        assert server.output(file="data:text/plain;base64,YWJj") == f"{series} abcabc"
        assert server.stop() < 1
    finally:
        server.end()
