"""Models whose packages are not those of the server, in the same versions or at all."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_core.runtime_bundle import STARTUP_FILE, STARTUP_TEXT
from tests.runtime.serving import Interpreter, start, write_model
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtime.serving import Server

CHECK = """
    import sys
    {imports}
    from cog import BasePredictor, Input, Path
    import cog

    class Runner(BasePredictor):
        def setup(self):
            assert {holds}, "the model sees other packages than its own"

        def predict(self, file: Path, n: int = Input(default=2, ge=1)) -> str:
            foreign = [name for name in {absent} if name in sys.modules]
            assert not foreign, foreign
            print("printed")
            return file.read_text() * n
    """
PYDANTIC_1 = """
    from typing import Dict
    import pydantic
    from cog import BasePredictor, Path

    class Point(pydantic.BaseModel):
        x: int
        file: Path = None

    class Runner(BasePredictor):
        def setup(self):
            assert pydantic.VERSION.startswith("1.10")

        def predict(self, file: Path, n: int = 2) -> Dict[str, object]:
            return Point(x=n).dict()
    """
NUMPY_1 = """
    import numpy
    from typing import List
    from cog import BasePredictor, Path

    class Runner(BasePredictor):
        def setup(self):
            assert numpy.__version__.startswith("1.")

        def predict(self, file: Path, n: int = 2) -> List[float]:
            return numpy.arange(n) / 2
    """
PYDANTIC_2 = """
    from typing import Dict, List
    import pydantic
    from cog import BasePredictor, Path

    class Point(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(frozen=True)
        x: int
        file: Path

    class Output(pydantic.BaseModel):
        points: List[Point]

    class Runner(BasePredictor):
        def setup(self):
            assert pydantic.VERSION.startswith("2.")

        def predict(self, file: Path, n: int = 2) -> Output:
            return Output(points=[Point(x=n, file=file)])
    """
NUMPY_GENERATOR = """
    import numpy
    from typing import Any, Iterator
    from cog import BasePredictor, Path

    class Runner(BasePredictor):
        def predict(self, file: Path, n: int = 2) -> Iterator[Any]:
            yield numpy.float32(0.5)
            yield numpy.int64(n)
            yield numpy.bool_(True)
            yield numpy.arange(n * 2).reshape(2, n)
            yield {"nested": [numpy.float64("nan"), numpy.array(3)]}
            yield (each for each in numpy.arange(n))
    """


@attrs.frozen
class Case:
    """A model's packages, its source, and what it answers."""

    packages: tuple[str, ...]
    source: str
    output: object = "abcabc"


def check(imports: str, holds: str, *absent: str) -> str:
    return CHECK.format(imports=imports, holds=holds, absent=repr(list(absent)))


CASES = {
    "nothing": Case((), check("", "True", "pydantic", "starlette", "uvicorn", "orjson", "httptools", "numpy")),
    "pydantic-1": Case(("pydantic>=1.10,<1.11",), PYDANTIC_1, {"x": 2, "file": None}),
    "starlette": Case(
        ("starlette==0.20.4",), check("import starlette", "starlette.__version__ == '0.20.4'", "uvicorn", "orjson")
    ),
    "uvicorn": Case(
        ("uvicorn==0.15.0",), check("import uvicorn", "uvicorn.__version__ == '0.15.0'", "starlette", "orjson")
    ),
    "orjson": Case(("orjson==3.9.15",), check("import orjson", "orjson.__version__ == '3.9.15'", "starlette")),
    "pydantic-2": Case(
        ("pydantic>=2.7,<3",), PYDANTIC_2, {"points": [{"x": 2, "file": "data:text/plain;base64,YWJj"}]}
    ),
    "numpy-generator": Case(
        ("numpy>=1.26",), NUMPY_GENERATOR, [0.5, 2, True, [[0, 1], [2, 3]], {"nested": [None, 3]}, [0, 1]]
    ),
    "numpy-1": Case(("numpy>=1.26,<2",), NUMPY_1, [0.0, 0.5]),
}


def write_project(folder: Path, case: Case) -> None:
    """Write a project whose image has these packages."""
    packages = "".join(f"    - {json.dumps(package)}\n" for package in case.packages)
    build = 'build:\n  python_version: "3.11"\n' + (f"  python_packages:\n{packages}" if packages else "")
    (folder / "cog.yaml").write_text(f'{build}predict: "predict.py:Runner"\n', "utf-8")
    (folder / "predict.py").write_text(textwrap.dedent(case.source), "utf-8")


def make(folder: Path, packages: tuple[str, ...], interpreter: Interpreter) -> Interpreter:
    """Return an interpreter with these packages and our SDK."""
    uv = Path(sys.executable).with_name("uv")
    environment = folder / "environment"
    subprocess.run([uv, "venv", "-q", "--python", Path(sys.executable).resolve(), environment], check=True)
    python = environment / "bin" / "python"
    if packages:
        command = [uv, "pip", "install", "-q", "--only-binary", ":all:", "--python", python, *packages]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"the packages cannot be had: {done.stderr[-300:]}")
    purelib = environment / "lib" / f"python{interpreter.series}" / "site-packages"
    (purelib / "cog").symlink_to(interpreter.bundle / "sdk" / "cog")
    (purelib / STARTUP_FILE).write_text(STARTUP_TEXT)
    return attrs.evolve(interpreter, path=python)


def ask(server: Server) -> object:
    server.wait_for("READY")
    return server.output(file="data:text/plain;base64,YWJj")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_model_has_its_own_packages_and_the_server_its_own(
    case: Case, interpreter: Interpreter, model_folder: Path, tmp_path: Path
) -> None:
    write_model(model_folder, case.source)
    server = start(make(tmp_path, case.packages, interpreter), model_folder)
    try:
        assert ask(server) == case.output
        assert server.predict(file="data:,", n=1)["status"] == "succeeded"
        assert server.stop() < 1
    finally:
        server.end()


OCI = pytest.param("oci", marks=pytest.mark.engine("debian", "index", "userns"))
DOCKER = pytest.param("docker", marks=pytest.mark.engine("docker", "index"))


@pytest.fixture(params=[OCI, DOCKER])
def program(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, shared_cog_cache: Path, tmp_path: Path
) -> Iterator[Program]:
    """``cog`` in the folder of a project, with a backend that builds and runs."""
    if request.param == "docker":
        request.getfixturevalue("docker_engine")
        request.getfixturevalue("python_base")("3.11")
        if bundle := request.getfixturevalue("ca_bundle"):
            monkeypatch.setenv("COG_CA_CERT", str(bundle))
    folder = tmp_path / f"conflict-{secrets.token_hex(4)}"
    folder.mkdir()
    yield Program(folder, ("--backend", request.param))
    if request.param == "docker":
        subprocess.run(["docker", "image", "rm", "--force", folder.name], capture_output=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_image_with_such_packages_answers(case: Case, program: Program) -> None:
    write_project(program.cwd, case)
    program.well("build", "--tag", program.cwd.name)
    inputs = json.dumps({"file": "data:text/plain;base64,YWJj", "n": 2})
    found = json.loads(program.well("run", program.cwd.name, "--json", inputs).out)
    assert (found["status"], found["output"]) == ("succeeded", case.output)
