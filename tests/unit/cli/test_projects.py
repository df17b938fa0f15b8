"""Commands about a project that need no engine: init, config, schema, plan, debug."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from cog_core.ir import digest, from_json

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Cog = Callable[..., subprocess.CompletedProcess[str]]

TEMPLATE = [".dockerignore", ".github/workflows/push.yaml", "cog.yaml", "requirements.txt", "run.py"]


def test_a_new_project_can_be_planned_without_a_change(cog: Cog, tmp_path: Path) -> None:
    made = cog("init")

    planned = cog("plan", "--json")

    assert made.returncode == 0
    assert [f"Creating {name}" for name in TEMPLATE] == made.stderr.splitlines()[:5]
    assert "Done! For next steps" in made.stderr
    assert planned.returncode == 0, planned.stderr
    assert {step["kind"] for step in json.loads(planned.stdout)["stage"]["steps"]} >= {"Runtime", "Copy"}
    assert all(yaml.safe_load((tmp_path / name).read_text()) for name in TEMPLATE if name.endswith(".yaml"))


def test_init_keeps_files_that_are_there(cog: Cog, tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("mine\n")

    done = cog("init")

    assert "Skipped existing run.py" in done.stderr
    assert "Creating cog.yaml" in done.stderr
    assert (tmp_path / "run.py").read_text() == "mine\n"


def test_init_does_not_write_through_a_link(cog: Cog, tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").symlink_to(tmp_path / "elsewhere")

    done = cog("init")

    assert "Skipped existing cog.yaml" in done.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_the_configuration_as_json_is_what_the_label_holds(cog: Cog, project: Path) -> None:
    config = cog("config", "--json", cwd=project)
    plan = cog("plan", "--json", cwd=project)

    labels = dict(json.loads(plan.stdout)["config"]["labels"])
    assert config.stdout == f"{labels['run.cog.config']}\n"
    assert config.stderr == ""


@pytest.mark.parametrize("key", ["run", "predict"])
def test_the_configuration_as_yaml_says_the_same_in_the_words_of_the_file(cog: Cog, project: Path, key: str) -> None:
    file = project / "cog.yaml"
    file.write_text(file.read_text().replace('run: "run.py:Runner"', f'{key}: "run.py:Runner"'))

    shown = yaml.safe_load(cog("config", cwd=project).stdout)

    reference = shown.pop(key)
    assert {**shown, "predict": reference} == json.loads(cog("config", "--json", cwd=project).stdout)


def test_what_was_assumed_is_told_beside_the_result(cog: Cog, project: Path) -> None:
    (project / "cog.yaml").write_text('run: "run.py:Runner"\n')

    done = cog("config", "--json", cwd=project)

    assert json.loads(done.stdout)["build"]["python_version"] == "3.13"
    assert "build.python_version is not set" in done.stderr


def test_the_schema_stands_alone_on_standard_output(cog: Cog, project: Path) -> None:
    done = cog("schema", "--json", cwd=project)

    document = json.loads(done.stdout)
    assert document["openapi"] == "3.0.2"
    assert list(document["components"]["schemas"]["Input"]["properties"]) == ["text", "times", "voice"]
    assert done.stdout.count("\n") == 1


def test_the_schema_for_people_names_types_defaults_and_limits(cog: Cog, project: Path) -> None:
    text = cog("schema", cwd=project).stdout

    rows = {line.split()[0]: line for line in text.splitlines() if line.startswith("  ")}
    assert "required" in rows["text"]
    assert "What is said" in rows["text"]
    assert "= 1" in rows["times"]
    assert "from 1; up to 5" in rows["times"]
    assert "one of low, high" in rows["voice"]
    assert text.rstrip().endswith("string")


def test_a_plan_says_why_and_names_the_lines_that_asked(cog: Cog, project: Path) -> None:
    done = cog("plan", cwd=project)

    assert done.returncode == 0, done.stderr
    assert "because build.python_version says so" in done.stdout
    assert "run echo built" in done.stdout
    assert "(cog.yaml:4:7 (build.run[0]))" in done.stdout
    assert "\nBackend   " in done.stdout


def test_a_plan_as_json_reads_back_with_the_digest_that_people_see(cog: Cog, project: Path) -> None:
    plan = from_json(cog("plan", "--json", cwd=project).stdout)

    assert digest(plan) in cog("plan", cwd=project).stdout


def test_commands_find_the_project_from_a_folder_below(cog: Cog, project: Path) -> None:
    (project / "deep" / "down").mkdir(parents=True)

    assert (
        cog("schema", "--json", cwd=project / "deep" / "down").stdout == cog("schema", "--json", cwd=project).stdout
    )


def test_another_file_can_be_the_configuration(cog: Cog, project: Path) -> None:
    (project / "other.yaml").write_text('build: {python_version: "3.11"}\nrun: "run.py:Runner"\n')

    done = cog("config", "--json", "-f", "other.yaml", cwd=project)

    assert json.loads(done.stdout)["build"]["python_version"] == "3.11"


def test_debug_prints_the_dockerfile_and_nothing_else(cog: Cog, project: Path) -> None:
    done = cog("debug", cwd=project)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("FROM python:3.13-slim\n")
    assert "# cog.yaml:4:7 (build.run[0])\nRUN echo built\n" in done.stdout
    assert 'CMD ["python", "-m", "cog.server.http"]' in done.stdout


def test_debug_takes_another_base_and_a_time(cog: Cog, project: Path) -> None:
    done = cog("debug", "--base-image", "registry.example.com/base:1", "--timestamp", "0", cwd=project)

    assert done.stdout.startswith("FROM registry.example.com/base:1\n")


@pytest.mark.parametrize(
    ("where", "fact"), [("full", "is not empty"), ("my model/out", "lies in the project"), ("no/where", "no folder")]
)
def test_debug_refuses_a_folder_where_it_could_do_harm(cog: Cog, project: Path, where: str, fact: str) -> None:
    (project.parent / "full").mkdir()
    (project.parent / "full" / "file").write_text("mine")

    done = cog("debug", "--output", str(project.parent / where), cwd=project)

    assert done.returncode == 2
    assert fact in done.stderr
    assert (project.parent / "full" / "file").read_text() == "mine"


def test_flags_without_effect_are_accepted_with_a_note(cog: Cog, project: Path) -> None:
    done = cog("debug", "--use-cog-base-image=false", "--use-cuda-base-image", "false", cwd=project)

    assert done.returncode == 0, done.stderr
    assert "--use-cog-base-image has no effect" in done.stderr
    assert "--use-cuda-base-image has no effect" in done.stderr


def test_looking_at_a_project_leaves_it_as_it_was(cog: Cog, project: Path) -> None:
    before = sorted(path.relative_to(project) for path in project.rglob("*"))

    for name in ("plan", "schema", "config", "debug"):
        cog(name, cwd=project)

    assert sorted(path.relative_to(project) for path in project.rglob("*")) == before
