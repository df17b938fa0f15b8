"""What a real engine makes of rendered Dockerfiles."""

from __future__ import annotations

import json
import os
import tarfile
import uuid
from typing import TYPE_CHECKING

import pytest

from cog_core.ir import Copy, Env, ImageBase, ImageConfig, Stage, Workdir
from cog_core.ir.dockerfile import CLASSIC, EARLY_BUILDKIT, render
from cog_core.ir.plan import BuildPlan
from cog_core.process import Command, run
from cog_core.values import Platform
from tests.unit.ir.projects import LARGE, NASTY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines.docker import DockerAccess

# A label may be longer than a line of a Dockerfile, and cut anywhere.
LONG = {"blanks": " " * 9000 + "#", "escapes": "\\" * 9001, "quotes": '"$' * 4500, "schema": LARGE}
FILES = ("a b", "a[1]*?.txt", "$HOME", "it's", 'say "x"', "back\\slash", "ünï")
ENVIRONMENT = (("QUOTED", "say \"$HOME\" \\ 'x' # no"), ("BLANKS", "  "))


@pytest.mark.engine("docker")
@pytest.mark.parametrize("buildkit", ["0", "1"])
def test_the_engine_reads_labels_files_and_variables_as_they_were_meant(
    buildkit: str, docker_engine: DockerAccess, docker_cli_debian: Path, tmp_path: Path
):
    labels = {name: value for name, value in {**NASTY, **LONG}.items() if "\n" not in value}
    plan = BuildPlan(
        stage=Stage(
            base=ImageBase(reference="scratch"),
            steps=(
                *(Copy(source=f"project/{name}", target=f"/files/{name}") for name in FILES),
                Env(variables=ENVIRONMENT),
                Workdir(path="/it's a $HOME"),
            ),
        ),
        config=ImageConfig(labels=tuple(labels.items()), cmd=("a b",)),
        platform=Platform(),
    )
    context = tmp_path / "context"
    for name in FILES:
        file = context / ("project/project" if buildkit == "0" else "project") / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    dockerfile = render(plan, CLASSIC if buildkit == "0" else EARLY_BUILDKIT)
    (tmp_path / "Dockerfile").write_text(dockerfile.text, "utf-8")
    image = f"cog-test-labels:{uuid.uuid4().hex}"
    environ = {**os.environ, "DOCKER_BUILDKIT": buildkit}
    docker = str(docker_cli_debian)

    build = (docker, "build", "-q", "-t", image, "-f", str(tmp_path / "Dockerfile"), str(context))
    run(Command(argv=build, env=environ)).check()
    try:
        config = json.loads(run(Command(argv=(docker, "inspect", image))).check().stdout)[0]["Config"]
        assert config["Labels"] == labels
        assert {"=".join(pair) for pair in ENVIRONMENT} <= set(config["Env"])
        assert config["WorkingDir"] == "/it's a $HOME"
        assert config["Cmd"] == ["a b"]
        assert sorted(listed(docker, image, tmp_path / "image.tar")) == sorted(FILES)
    finally:
        run(Command(argv=(docker, "rmi", "-f", image)))


def listed(docker: str, image: str, archive: Path) -> list[str]:
    """Return the names of the files below /files in an image."""
    run(Command(argv=(docker, "save", "-o", str(archive), image))).check()
    found = []
    with tarfile.open(archive) as outer:
        for layer in (member for member in outer if member.name.endswith("layer.tar") and member.isfile()):
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                found += [name.removeprefix("files/") for name in inner.getnames() if name.startswith("files/")]
    return found
