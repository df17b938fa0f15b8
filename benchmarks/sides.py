"""The sides of the build benchmarks: copies of examples, and the engine's own command to compare with."""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Missing

from cog_backends.docker.client import Engine, connect
from cog_backends.docker.rungs import Rung, RungKind, choose_rung
from cog_core import images, process
from cog_core.draft import Wishes, draft
from cog_core.errors import CogError
from cog_core.ir.dockerfile import MODERN
from cog_core.project import open_project
from cog_core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from measure import Place

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PYTHON = "3.11"
"""The one Python that Debian 12 has packages for and that the tests' engines have an image of."""


@dataclass(frozen=True)
class Docker:
    """An engine with BuildKit, and the command line that reaches it."""

    engine: Engine
    rung: Rung

    @property
    def dialect(self) -> str:
        """The dialect of ``cog debug`` for this engine."""
        return "modern" if self.rung.dialect is MODERN else "early"

    def forget(self, image: str) -> Callable[[], None]:
        """Return an action that removes an image, so that no build leaves nameless ones behind."""
        return lambda: self.engine.remove(image)


def find_docker(place: Place) -> Docker:
    """Return the engine of this machine.

    Raises:
        Missing: There is none, it has no BuildKit, or not the base image.
    """
    settings = Settings.from_environ(place.environ)
    try:
        engine = connect(settings)
    except CogError as error:
        raise Missing(f"no Docker engine: {error.message}") from error
    rung = choose_rung(engine.version, settings, process.run)
    if rung.kind is RungKind.CLASSIC:
        raise Missing("no docker command line here reaches the engine's BuildKit")
    if not engine.has(base := f"python:{PYTHON}-slim"):
        raise Missing(f"the engine has no {base}: docker pull {base}")
    return Docker(engine, rung)


def copy_of(example: str, target: Path) -> Path:
    """Copy an example, with a Python that every backend has a base for, and return its folder."""
    shutil.copytree(EXAMPLES / example, target)
    config = target / "cog.yaml"
    config.write_text(re.sub(r'python_version: ".*"', f'python_version: "{PYTHON}"', config.read_text()))
    return target


def change_of(project: Path) -> Callable[[], None]:
    """Return an action that changes the model's code, differently each time."""
    model = project / "run.py"
    original = model.read_text()
    return lambda: void(model.write_text(f"{original}\n# {uuid.uuid4()}\n"))


def void(_: object) -> None:
    """Return nothing."""


@contextmanager
def raw_build(project: Path, image: str, docker: Docker, place: Place) -> Iterator[tuple[Callable[[], None], Path]]:
    """Yield the engine's own build of what ``cog debug --output`` writes, and the project's folder in it."""
    folder = place.folder / f"raw-{image}"
    place.cog("debug", "--output", folder, "--dialect", docker.dialect, "--image-name", image, cwd=project)()
    script = folder / "build.sh"
    secrets = _secrets(project, place)
    given = " ".join(f"--secret id={name},src={path}" for name, path in secrets.items())
    script.write_text(script.read_text().replace("--file Dockerfile", f"--file Dockerfile {given}", 1))
    try:
        yield place.command("env", f"DOCKER={docker.rung.program}", "sh", script), folder / "project"
    finally:
        docker.engine.remove(image)


def _secrets(project: Path, place: Place) -> dict[str, Path]:
    """Write what the build may read to files, as a person does who follows the hint in the script."""
    kit = images.tools(Settings.from_environ(place.environ))
    found: dict[str, Path] = {}
    for name, secret in draft(open_project(project), Wishes(), kit, void).secrets.items():
        found[name] = place.folder / f"secret-{name}"
        found[name].write_bytes(secret.read())
    return found


def engine_name(docker: Docker) -> str:
    """Return the engine's version and how it is reached, for the line above a table."""
    done = subprocess.run([docker.rung.program, "--version"], capture_output=True, text=True, check=False)
    return f"engine {docker.engine.version} by {docker.rung.kind.value}, {done.stdout.strip()}"
