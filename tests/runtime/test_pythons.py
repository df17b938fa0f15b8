"""The same bundle story on every Python: those that this machine has, and those that Debian's packages give."""

from __future__ import annotations

import json
import os
import secrets
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cog_core.values import PYTHONS
from tests.runtime.serving import make_interpreter, start, write_model
from tests.support.program import Program

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


THREADED = """
    import threading
    from typing import List
    from cog import BasePredictor

    both = threading.Barrier(2)

    class Runner(BasePredictor):
        def predict(self, numbers: List[float], name: str) -> str:
            print("this is", name)
            both.wait(20)
            return "%s %s %s" % (len(numbers), sum(numbers), type(numbers[0]).__name__)
    """


SECOND = "3.8"
"""The one that is tried in every run besides that of the tests: the oldest, and the most unlike it."""


def pythons() -> Iterator[object]:
    """Yield the Pythons of this machine: the series, and the program."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for folder in sorted(versions.glob("3.*")):
        series = ".".join(folder.name.split(".")[:2])
        python = folder / "bin" / "python3"
        if series in PYTHONS and python.exists():
            marks = () if series == SECOND else (pytest.mark.slow,)
            yield pytest.param(series, python, id=folder.name, marks=marks)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("series", "python"), list(pythons()))
def test_a_model_is_served(series: str, python: Path, model_folder: Path, shared_cog_cache: Path) -> None:
    write_model(model_folder, SOURCE)
    server = start(make_interpreter(python, series, shared_cog_cache), model_folder)
    try:
        server.wait_for_first_start()
        assert server.output(file="data:text/plain;base64,YWJj") == f"{series} abcabc"
        assert server.stop() < 5
    finally:
        server.end()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("series", "python"), list(pythons()))
def test_threads_and_inputs_that_are_no_json(
    series: str, python: Path, model_folder: Path, shared_cog_cache: Path
) -> None:
    write_model(model_folder, THREADED)
    server = start(make_interpreter(python, series, shared_cog_cache), model_folder, COG_THREADS="2")
    try:
        server.wait_for_first_start()
        asked = {name: server.later(numbers=[0.5] * 8000, name=name) for name in "ab"}
        for name, each in asked.items():
            assert each.result["output"] == "8000 4000.0 float"
            assert each.result["logs"] == f"this is {name}\n"
    finally:
        server.end()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.engine("debian", "index", "userns")
@pytest.mark.parametrize("series", ["3.11", "3.13", "3.14"])
def test_an_image_of_debians_python_answers(
    series: str, tmp_path: Path, shared_cog_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The newest one comes from a suite that is not released, whose lists a mirror may have in an old state.
    monkeypatch.setenv("COG_ALLOW_EXPIRED_LISTS", "1")
    folder = tmp_path / f"python-{secrets.token_hex(4)}"
    folder.mkdir()
    (folder / "cog.yaml").write_text(f'build:\n  python_version: "{series}"\npredict: "predict.py:Runner"\n', "utf-8")
    (folder / "predict.py").write_text(textwrap.dedent(SOURCE), "utf-8")
    program = Program(folder, ("--backend", "oci"))
    program.well("build", "--tag", folder.name)
    inputs = json.dumps({"file": "data:text/plain;base64,YWJj"})
    found = json.loads(program.well("run", folder.name, "--json", inputs).out)
    assert (found["status"], found["output"]) == ("succeeded", f"{series} abcabc")
