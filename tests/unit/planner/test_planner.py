"""From a resolved and locked project to its plan: what lies where, and why."""

from __future__ import annotations

from typing import Any

import pytest

from cog_core.config import parse
from cog_core.ir import (
    BuildPlan,
    Copy,
    Env,
    ImageBase,
    PythonBase,
    PythonPackages,
    Run,
    Runtime,
    SecretMount,
    SystemPackages,
    Weights,
    Workdir,
    Write,
)
from cog_core.ir.lower import CA_CERT, NETRC
from cog_core.lock.locked import LocalArtifact, LockedPackages
from cog_core.planner import SCHEMA_COPY, SCHEMA_FILE, PlanInputs, make_plan
from cog_core.resolve import Facts, resolve
from cog_core.values import EPOCH, Platform, PythonVersion

EVERYTHING = """
build:
  python_version: "3.12"
  system_packages: [ffmpeg, git]
  python_packages: [numpy]
  run: [first, {command: second, mounts: [{type: secret, id: token, target: /run/token}]}]
run: run.py:Runner
train: train.py:train
environment: [B=2, A=1]
concurrency: {max: 3}
"""
LOCKED = LockedPackages(locked=("numpy==2.0 --hash=sha256:0",), freeze=("numpy==2.0",), source="cog.lock")


def plan(config: str = EVERYTHING, **given: Any) -> BuildPlan:
    facts = Facts(directory="project", platform=given.pop("platform", Platform()))
    usual = {"locked": LOCKED, "schema": "{}", "bundle": "sha256:b", "created": EPOCH}
    return make_plan(PlanInputs(resolved=resolve(parse(config), facts), **(usual | given)))


def only(found: BuildPlan, kind: type) -> list[Any]:
    return [step for step in found.steps if isinstance(step, kind)]


def test_what_changes_least_lies_lowest():
    kinds = [type(step) for step in plan(weights=("a.bin",)).steps]

    assert kinds == [
        Env,
        SystemPackages,
        PythonPackages,
        Run,
        Run,
        Runtime,
        Weights,
        Workdir,
        Env,
        Copy,
        Write,
        Write,
    ]


def test_equal_inputs_give_equal_plans():
    assert plan() == plan()


def test_a_change_of_code_or_schema_keeps_everything_below_the_code():
    one, other = plan(schema="{}"), plan(schema='{"other":1}')

    assert one.steps[:-2] == other.steps[:-2]
    assert one.steps[-2:] != other.steps[-2:]


def test_names_and_scripts_are_the_authors_with_the_lines_where_they_stand():
    found = plan()

    (system,) = only(found, SystemPackages)
    assert system.names == ("ffmpeg", "git")
    assert system.origin.line == 4
    assert [(run.script, run.origin.line) for run in only(found, Run)] == [("first", 6), ("second", 6)]
    assert only(found, Run)[1].mounts == (SecretMount(id="token", target="/run/token"),)
    (packages,) = only(found, PythonPackages)
    assert (packages.locked, packages.origin.line) == (LOCKED.locked, 5)


def test_what_the_section_concurrency_says_are_variables_of_the_image():
    section = "{queue: 20, workers: 2, threads: 3, timeout: 90.5, batch: {max_size: 4, window: 0.002}}"
    found = plan(f"run: run.py:Runner\nconcurrency: {section}")

    assert dict(only(found, Env)[1].variables) == {
        "COG_PREDICT_TYPE_STUB": "run.py:Runner",
        "COG_QUEUE": "20",
        "COG_WORKERS": "2",
        "COG_THREADS": "3",
        "COG_PREDICT_TIMEOUT": "90.5",
        "COG_BATCH_SIZE": "4",
        "COG_BATCH_WINDOW": "0.002",
    }


def test_a_minimal_project_has_no_empty_steps():
    found = plan("run: run.py:Runner", locked=LockedPackages(source="nothing to lock"))

    assert [type(step) for step in found.steps] == [Env, Runtime, Workdir, Env, Copy, Write, Write]
    assert not [decision for decision in found.decisions if decision.what == "packages"]


def test_the_model_is_named_by_variables_of_the_image():
    first, second = only(plan(), Env)

    assert dict(first.variables) == {"DEBIAN_FRONTEND": "noninteractive", "PYTHONUNBUFFERED": "1", "A": "1", "B": "2"}
    assert dict(second.variables) == {
        "COG_PREDICT_TYPE_STUB": "run.py:Runner",
        "COG_TRAIN_TYPE_STUB": "train.py:train",
        "COG_MAX_CONCURRENCY": "3",
    }


def test_a_gpu_model_finds_its_drivers():
    config = 'build:\n  gpu: true\n  python_version: "3.12"\n  python_packages: [torch==2.5.1]\nrun: run.py:Runner\n'

    assert dict(only(plan(config), Env)[0].variables)["NVIDIA_DRIVER_CAPABILITIES"] == "all"


def test_the_image_serves_on_port_5000():
    assert plan().config.cmd == ("python", "-m", "cog.server.http")
    assert plan().config.ports == ("5000/tcp",)
    assert only(plan(), Workdir) == [Workdir(path="/src")]


def test_the_schema_is_where_the_server_and_where_upstream_look():
    writes = only(plan(schema='{"a":1}'), Write)

    assert [(write.path, write.content) for write in writes] == [
        (SCHEMA_FILE, '{"a":1}\n'),
        (SCHEMA_COPY, '{"a":1}\n'),
    ]
    assert not SCHEMA_FILE.startswith("/src/")


def test_an_environment_has_neither_code_nor_weights_nor_schema():
    found = plan("{}", schema=None, with_source=False, weights=("a.bin",))

    assert not only(found, Copy)
    assert not only(found, Write)
    assert not only(found, Weights)
    assert only(found, Workdir) == [Workdir(path="/src")]


def test_large_files_lie_below_the_code():
    found = plan(weights=("w/a.bin", "w/b.bin"))

    assert only(found, Weights) == [Weights(target="/src", paths=("w/a.bin", "w/b.bin"))]
    assert found.steps.index(only(found, Weights)[0]) < found.steps.index(only(found, Copy)[0])


def test_authorities_of_the_network_reach_every_command_as_a_mount_and_nothing_else():
    found = plan(secrets=frozenset({CA_CERT, NETRC}))
    mount = SecretMount(id=CA_CERT, target=f"/run/secrets/{CA_CERT}")

    for run, script in zip(only(found, Run), ("first", "second"), strict=True):
        assert run.mounts[-1] == mount
        assert run.script.startswith(f"export SSL_CERT_FILE={mount.target} ")
        assert run.script.endswith(f"; {script}")
        assert NETRC not in {each.id for each in run.mounts}
    assert only(found, PythonPackages)[0].secrets == (CA_CERT, NETRC)
    assert not [step for step in only(found, Env) if CA_CERT in str(step.variables)]


def test_without_such_authorities_commands_are_left_alone():
    assert [run.script for run in only(plan(secrets=frozenset({NETRC})), Run)] == ["first", "second"]


def test_files_of_the_project_that_packages_need_are_there_before_them():
    artifact = LocalArtifact(path="wheels/a.whl", target="/opt/a.whl")
    found = plan(locked=LockedPackages(unlocked=("/opt/a.whl",), artifacts=(artifact,)))

    copy, packages = found.steps[2:4]
    assert (copy.source, copy.target) == ("wheels/a.whl", "/opt/a.whl")
    assert packages.unlocked == ("/opt/a.whl",)


@pytest.mark.parametrize(
    ("base", "expected", "because"),
    [
        (None, PythonBase(version=PythonVersion(3, 12)), "the backend's own base for this Python is used"),
        (
            ("own:1", "it was asked for"),
            ImageBase(reference="own:1", python=PythonVersion(3, 12)),
            "it was asked for",
        ),
    ],
)
def test_the_base_comes_with_its_reason(base, expected, because):
    found = plan(base=base)

    assert found.stage.base == expected
    assert [decision.because for decision in found.decisions if decision.what == "base"] == [because]


def test_the_plan_says_what_was_locked_and_from_where():
    locked = LockedPackages(locked=("a==1",), freeze=("a==1",), unlocked=("git+https://h/b",), source="cache")

    said = {(d.value, d.because) for d in plan(locked=locked).decisions if d.what == "packages"}

    assert said == {
        ("1 locked", "the versions come from cache"),
        ("1 not locked", "only the image can build them"),
    }


def test_platform_time_and_labels_are_those_that_were_given():
    found = plan(platform=Platform("linux", "arm64"), created=7, labels=(("a", "1"),))

    assert (str(found.platform), found.created, found.config.labels) == ("linux/arm64", 7, (("a", "1"),))


def test_every_decision_about_versions_is_kept():
    assert {decision.what for decision in plan("run: run.py:Runner").decisions} >= {"python", "base", "packages"}
