"""Who builds: each backend that is usable here, docker once for each way to its builder, and the engines by hand."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Missing, Place

from cog_core import images
from cog_core.plugins import candidates
from cog_core.settings import Settings
from cog_core.values import EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LABEL = "run.cog.openapi_schema"
_LAYOUT = "type=oci,tar=false,dest=image,compression=uncompressed,rewrite-timestamp=true"
"""What the backend asks for, too: a layout, its layers as they are, with the same times in each build."""
BACKENDS = ("oci", "docker", "podman", "buildkit")


@dataclass(frozen=True)
class Builder:
    """A backend as it is reached in one environment.

    Attributes:
        name: For the table, such as ``docker (buildx)``.
        backend: The backend's name.
        place: The environment.
        engine: The engine's own program, for those that read the same Dockerfile; empty for the others.
        dialect: Of the Dockerfile, as ``cog debug`` calls it.
        base: Folder of an OCI layout with the base image, for an engine that keeps no images; empty: its registry.
    """

    name: str
    backend: str
    place: Place
    engine: str = ""
    dialect: str = "early"
    base: str = ""

    def build(self, project: Path, image: str, *flags: str) -> Callable[[], None]:
        """Return an action: the whole command ``cog build``."""
        base = ("--base-image", f"oci:{self.base}") if self.base else ()
        words = ("build", "--backend", self.backend, "--progress", "plain", "--tag", image, *base, *flags)
        return self.place.cog(*words, cwd=project)

    def by_hand(self, project: Path, image: str) -> tuple[Callable[[], None], Callable[[], None], Path]:
        """Return the engine's own build, the same with every step done anew, and the project's folder in it."""
        folder = project.parent / f"raw-{image}"
        if not folder.exists():
            words = ("debug", "--output", folder, "--dialect", self.dialect, "--image-name", image)
            self.place.cog(*words, cwd=project)()
        script = folder / "build.sh"
        if self.engine == "buildctl":
            script.write_text(self._buildctl(folder))
        anew = folder / "anew.sh"
        here = "--local dockerfile=." if self.engine == "buildctl" else "--file Dockerfile"
        anew.write_text(script.read_text().replace(here, f"--no-cache {here}", 1))
        program = f"DOCKER={self.engine}"
        commands = (self.place.command("env", program, "sh", path) for path in (script, anew))
        return (*commands, folder / "project")  # type: ignore[return-value]

    def _buildctl(self, folder: Path) -> str:
        """Return the script for BuildKit's own client; it leaves the image in a layout, as the backend does."""
        files = folder / "Dockerfile"
        rest = files.read_text().partition("\n")[2]
        words = ["buildctl", "build", "--frontend", "dockerfile.v0", "--local", "context=project"]
        words += ["--local", "dockerfile=.", "--output", _LAYOUT, "--opt", f"build-arg:SOURCE_DATE_EPOCH={EPOCH}"]
        for each in sorted(folder.iterdir()):
            if each.is_dir() and each.name not in {"project", "image"}:
                words += ["--local", f"{each.name}={each.name}", "--opt", f"context:{each.name}=local:{each.name}"]
        if self.base:
            index = json.loads((Path(self.base) / "index.json").read_text())
            files.write_text(f"FROM base\n{rest}")
            words += ["--oci-layout", f"base={self.base}"]
            words += ["--opt", f"context:base=oci-layout://base@{index['manifests'][0]['digest']}"]
        return f'#!/bin/sh\ncd "$(dirname "$0")" && {shlex.join(words)}\n'

    def like_upstream(self, project: Path, image: str) -> tuple[Callable[[], None], Callable[[], None], Path]:
        """Return what the Cog of upstream does: a build, a container for the schema, a build that adds labels."""
        build, anew, folder = self.by_hand(project, image)
        docker, name = shlex.quote(self.engine), shlex.quote(image)
        program = shlex.quote("import run; print(open('/opt/cog/model/openapi_schema.json').read())")
        rest = (
            f'schema=$({docker} run --rm --entrypoint python {name} -c {program}) && echo "FROM {image}" '
            f'| DOCKER_BUILDKIT=1 {docker} build --label "{LABEL}=$schema" --tag {name} -'
        )
        after = self.place.command("sh", "-c", rest)
        return lambda: (build(), after())[0], lambda: (anew(), after())[0], folder

    def forget(self, image: str) -> None:
        """Remove an image from the engine, if there is one."""
        if self.engine and self.engine != "buildctl":
            self.place.command("sh", "-c", f"{self.engine} rmi --force {shlex.quote(image)} || true")()


def builders(place: Place, only: list[str], base: str) -> Iterator[Builder]:
    """Yield everybody who can build here, and say who cannot.

    Args:
        place: The environment.
        only: Names of backends; none: all.
        base: Folder of an OCI layout with the base image.

    Raises:
        Missing: Nobody can.
    """
    found: dict[str, Builder] = {}
    for backend in only or BACKENDS:
        for each in _environments(place, backend):
            builder, reason = _found(each, backend, base)
            if builder is None:
                print(f"without {backend}: {reason}", file=sys.stderr)
                break
            found.setdefault(builder.name, builder)
    if not found:
        raise Missing("no backend is usable")
    yield from found.values()


def _environments(place: Place, backend: str) -> Iterator[Place]:
    """Yield the environment as it is; for docker also one without buildx, and one without any command line."""
    yield place
    if backend == "docker":
        for name in ("DOCKER_CONFIG", "PATH"):
            folder = place.folder / f"empty-{name}"
            folder.mkdir(exist_ok=True)
            yield Place(place.folder, {**place.environ, name: str(folder)})


def _found(place: Place, backend: str, base: str) -> tuple[Builder | None, str]:
    settings = Settings.from_environ(place.environ)
    candidate = next(iter(candidates(images.tools(settings).plugins, settings, only=backend)))
    details = candidate.probe.details
    if not candidate.probe.usable:
        return None, candidate.probe.reason
    way = details.get("builder", "")
    if backend == "buildkit":
        return Builder(backend, backend, place, "buildctl", "modern", base), ""
    engine = {"podman": "podman", "docker": "" if way == "classic builder" else "docker"}.get(backend, "")
    if backend == "docker" and engine:
        engine = _client(way, settings)
    dialect = "modern" if int((candidate.probe.version or "0").split(".")[0]) >= 23 else "early"
    return Builder(f"{backend} ({way})" if way else backend, backend, place, engine, dialect), ""


def _client(way: str, settings: Settings) -> str:
    """Return the command line that leads to the builder, as the backend finds it."""
    from cog_backends.docker.client import connect  # noqa: PLC0415 - only with an engine
    from cog_backends.docker.rungs import choose_rung  # noqa: PLC0415
    from cog_core import process  # noqa: PLC0415

    rung = choose_rung(connect(settings).version, settings, process.run)
    return rung.program if rung.kind.value == way else "docker"
