"""Lowering: pure, idempotent, and nothing is left that the backend does not take."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from cog_core.errors import Origin
from cog_core.ir import Capability, Copy, ImageBase, PythonBase, Run, User, Write, lacking, lower, requirements
from cog_core.ir.capabilities import MEANINGS
from cog_core.ir.steps import PRIMITIVE, BindMount, CacheMount, PythonPackages, SecretMount, SshMount, SystemPackages
from cog_core.values import PythonLayout, PythonVersion
from tests.unit.ir.projects import PLANS
from tests.unit.ir.strategies import capabilities, plans

HERE = Origin(file="cog.yaml", key="build.run[0]", line=7)
NOTHING = frozenset[Capability]()


@settings(max_examples=30)
@given(plans, capabilities)
def test_only_declared_meanings_are_left(plan, able):
    low = lower(plan, able)

    for step in low.steps:
        assert isinstance(step, PRIMITIVE) or MEANINGS[type(step)] in able
    assert not isinstance(low.stage.base, PythonBase) or Capability.PYTHON_BASE in able


@settings(max_examples=30)
@given(plans, capabilities)
def test_lowering_is_pure_and_what_is_low_stays_as_it_is(plan, able):
    low = lower(plan, able)

    assert lower(plan, able) == low
    assert lower(low, able) == low
    assert (low.config, low.platform, low.created) == (plan.config, plan.platform, plan.created)


@settings(max_examples=30)
@given(plans)
def test_a_backend_that_can_do_everything_gets_the_plan_as_it_is(plan):
    assert lower(plan, frozenset(Capability)) == plan


@settings(max_examples=30)
@given(plans, capabilities)
def test_every_step_keeps_its_origin_when_it_becomes_others(plan, able):
    origins = {id(step.origin) for step in plan.steps}

    assert all(id(step.origin) in origins for step in lower(plan, able).steps)


def test_a_meant_base_becomes_the_official_image():
    base = lower(PLANS["system"], NOTHING).stage.base

    assert base == ImageBase(reference="python:3.11.4-slim", python=PythonVersion(3, 11, 4))


def test_paths_come_from_the_layout_of_the_base():
    layout = PythonLayout(version=PythonVersion(3, 11), interpreter="/usr/bin/python3.11", purelib="/usr/lib/dist")

    scripts = [step.script for step in lower(PLANS["digits"], NOTHING, layout=layout).steps if isinstance(step, Run)]

    assert all("/usr/bin/python3.11 -m" in script for script in scripts)
    assert "site=/usr/lib/dist " in scripts[-1]
    assert not any("/usr/local/lib" in script for script in scripts)


def test_secrets_of_an_index_are_mounts_and_never_text():
    packages = PythonPackages(locked=("a==1 --hash=sha256:0",), secrets=("cog-ca-cert", "cog-netrc"), origin=HERE)

    write, run = lower(PLANS["hello"].with_steps(packages), NOTHING).steps

    assert isinstance(write, Write)
    assert isinstance(run, Run)
    assert {mount.id for mount in run.mounts if isinstance(mount, SecretMount)} == {"cog-ca-cert", "cog-netrc"}
    assert " PIP_CERT=/run/secrets/cog-ca-cert NETRC=/run/secrets/cog-netrc " in run.script
    assert "--require-hashes" in run.script


def test_names_of_system_packages_cannot_become_commands():
    (run,) = lower(PLANS["hello"].with_steps(SystemPackages(names=("a; rm -rf /", "b"))), NOTHING).steps

    assert isinstance(run, Run)
    assert "'a; rm -rf /' b" in run.script


def needs(*steps):
    plan = PLANS["hello"].with_steps(*steps)
    return [(need.capability, need.subject, need.origin) for need in requirements(plan)[1:]]


def test_a_need_names_the_first_line_of_the_command_and_where_it_stands():
    assert needs(Run(script="\nmake all\nmake install", origin=HERE)) == [
        (Capability.RUN, "the command 'make all'", HERE)
    ]


@pytest.mark.parametrize("script", ["", "\n", " \n "])
def test_an_empty_command_is_a_need_too(script):
    assert needs(Run(script=script)) == [(Capability.RUN, "the command ''", None)]


def test_mounts_are_needs_but_for_caches_and_secrets_that_may_be_missing():
    mounts = (
        CacheMount(id="c", target="/c"),
        SecretMount(id="may", target="/m", required=False),
        SecretMount(id="must", target="/s"),
        SshMount(id="work"),
        BindMount(context="runtime", source=".", target="/b"),
    )

    assert needs(Run(script="x", mounts=mounts, origin=HERE))[1:] == [
        (Capability.SECRET_MOUNT, "the secret 'must'", HERE),
        (Capability.SSH_MOUNT, "the SSH agent 'work'", HERE),
        (Capability.BIND_MOUNT, "the context 'runtime'", HERE),
    ]


def test_packages_that_must_be_built_need_more_than_packages():
    assert needs(PythonPackages(unlocked=("git+https://h/x",), origin=HERE)) == [
        (Capability.PYTHON_PACKAGES, "Python packages", HERE),
        (Capability.SOURCE_PACKAGES, "the source package 'git+https://h/x'", HERE),
    ]


def test_a_user_is_a_need_and_files_are_none():
    assert needs(User(name="me", origin=HERE), Copy(target="/src"), Write(path="/a", content="")) == [
        (Capability.USER, "the user 'me'", HERE)
    ]


def test_what_is_lacking_is_what_is_needed_and_not_there():
    low = lower(PLANS["system"], NOTHING)

    assert lacking(low, frozenset(Capability)) == ()
    assert lacking(low, NOTHING) == requirements(low)
    without = lacking(low, frozenset(Capability) - {Capability.SECRET_MOUNT})
    assert {need.subject for need in without} == {
        "the secret 'cog-ca-cert'",
        "the secret 'cog-netrc'",
        "the secret 'index'",
    }
    assert [need.origin.line for need in without if need.subject == "the secret 'index'" and need.origin] == [8]


@settings(max_examples=30)
@given(plans, capabilities)
def test_what_is_lacking_is_part_of_what_is_needed(plan, able):
    low = lower(plan, able)

    assert set(lacking(low, able)) <= set(requirements(low))
