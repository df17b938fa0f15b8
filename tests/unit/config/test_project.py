"""Finding a project, and reading of it what a build has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_core.config.files import FileKind
from cog_core.errors import ConfigInvalid, ConfigNotFound
from cog_core.project import open_project
from cog_core.values import Platform

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_configuration_is_found_above(tmp_path):
    write(tmp_path / "cog.yaml", "image: a")
    below = tmp_path / "a/b/c"
    below.mkdir(parents=True)

    project = open_project(below)

    assert (project.root, project.config_file, project.config.image) == (tmp_path, "cog.yaml", "a")


def test_the_nearest_configuration_counts(tmp_path):
    write(tmp_path / "cog.yaml", "image: far")
    write(tmp_path / "a/cog.yml", "image: near")

    assert open_project(tmp_path / "a").config.image == "near"


def test_of_two_configurations_the_usual_name_counts_with_a_warning(tmp_path):
    write(tmp_path / "cog.yaml", "image: a")
    write(tmp_path / "cog.yml", "image: b")

    project = open_project(tmp_path)

    assert project.config.image == "a"
    assert [warning.message for warning in project.loaded.warnings] == [
        "cog.yml is ignored, because cog.yaml is there too"
    ]


@pytest.mark.parametrize("absolute", [False, True])
def test_another_name_can_be_asked_for(tmp_path, absolute):
    path = write(tmp_path / "gpu.yaml", "image: gpu")

    project = open_project(tmp_path, file=str(path) if absolute else "gpu.yaml")

    assert (project.root, project.config_file, project.config.image) == (tmp_path, "gpu.yaml", "gpu")
    assert project.loaded.origin("image").file == "gpu.yaml"


def test_a_folder_without_a_configuration_is_told(tmp_path):
    with pytest.raises(ConfigNotFound) as caught:
        open_project(tmp_path, file="x-cog.yaml")

    assert str(caught.value) == f"x-cog.yaml not found in {tmp_path} (or in any parent directories)"
    assert "cog init" in (caught.value.hint or "")


def test_an_old_name_is_mentioned(tmp_path):
    write(tmp_path / "replicate.yaml")

    with pytest.raises(ConfigNotFound) as caught:
        open_project(tmp_path)

    assert "replicate.yaml" in (caught.value.hint or "")


def test_the_search_ends_after_a_hundred_levels(tmp_path):
    write(tmp_path / "cog.yaml")
    deep = tmp_path.joinpath(*["d"] * 100)
    deep.mkdir(parents=True)

    with pytest.raises(ConfigNotFound):
        open_project(deep)
    assert open_project(deep.parent).root == tmp_path


def test_facts_hold_the_requirements_and_the_files_they_name(tmp_path):
    write(tmp_path / "project/cog.yaml", "build: {python_requirements: deps/r.txt}")
    write(
        tmp_path / "project/deps/r.txt",
        "./a-1.0-py3-none-any.whl\nwheels/b-1.zip\ndir.zip\nout.whl\n../../c.whl\nnumpy\n",
    )
    write(tmp_path / "project/deps/a-1.0-py3-none-any.whl")
    (tmp_path / "project/deps/dir.zip").mkdir()
    (tmp_path / "project/deps/out.whl").symlink_to(write(tmp_path / "elsewhere.whl"))

    facts = open_project(tmp_path / "project").facts(platform=Platform(), concurrency=3, is_async=True)

    assert facts.requirements is not None
    assert facts.requirements.name == "deps/r.txt"
    assert facts.files == {
        "deps/a-1.0-py3-none-any.whl": FileKind.FILE,
        "deps/wheels/b-1.zip": FileKind.MISSING,
        "deps/dir.zip": FileKind.OTHER,
        "deps/out.whl": FileKind.OUTSIDE,
        "../c.whl": FileKind.OUTSIDE,
    }
    assert (facts.directory, facts.concurrency, facts.is_async) == ("project", 3, True)


@pytest.mark.parametrize(("content", "why"), [(b"\xff\xfe", "not UTF-8"), (b"#" * 1_048_577, "larger than")])
def test_an_unusable_requirements_file_is_told(tmp_path, content, why):
    write(tmp_path / "cog.yaml", "build: {python_requirements: r.txt}")
    (tmp_path / "r.txt").write_bytes(content)

    with pytest.raises(ConfigInvalid, match=f"cannot read r.txt: {why}"):
        open_project(tmp_path).facts(platform=Platform())
