"""Which backend is chosen, and what is said about it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_core.backend import BackendInfo, BuildRequest, ImageInfo, Probe
from cog_core.errors import BackendUnavailable, Origin, UnknownBackend, UnsupportedPlan
from cog_core.ir import BuildPlan, Capability, ImageConfig, PythonBase, Run, Runtime, Stage, lacking, lower
from cog_core.plugins import LoadedPlugin, begin_to_choose, candidates, choose
from cog_core.settings import Settings
from cog_core.values import Platform, PythonVersion
from tests.unit.plugins.kit import info, plugins

if TYPE_CHECKING:
    from cog_core.events import Emit

C = Capability
ENGINE = (C.RUN, C.IMAGE_BASE)
EMBEDDED = (C.PYTHON_BASE, C.RUNTIME)
HERE = Origin(file="cog.yaml", key="build.run[0]", line=4)
QUIET = BuildPlan(
    stage=Stage(base=PythonBase(version=PythonVersion(3, 12)), steps=(Runtime(bundle="b"),)),
    config=ImageConfig(),
    platform=Platform(),
)
WITH_RUN = QUIET.with_steps(*QUIET.steps, Run(script="make\nmake install", origin=HERE))


def choice(
    *backends: BackendInfo,
    plan: BuildPlan = QUIET,
    asked: str | None = None,
    env: str | None = None,
    project: str | None = None,
):
    found = Settings(environ={}, home=Path("/h"), cache=Path("/c"), backend=env)
    return choose(plugins(backends=backends), found, plan, asked=asked, project=project)


def test_engines_come_before_the_embedded_one_and_strangers_after_both():
    backends = [info(name, *ENGINE) for name in ("aaa", "oci", "podman", "docker", "buildkit")]
    found = Settings.from_environ({})

    order = [candidate.info.name for candidate in candidates(plugins(backends=tuple(backends)), found)]

    assert order == ["docker", "podman", "buildkit", "oci", "aaa"]


def test_the_first_usable_one_is_taken_with_its_plan_lowered():
    chosen = choice(info("oci", *EMBEDDED), info("docker", *ENGINE, reason="20.10 answers"))

    assert chosen.candidate.info.name == "docker"
    assert chosen.plan == lower(QUIET, frozenset(ENGINE))
    assert chosen.reason == "docker (20.10 answers), the first that is usable"


def test_one_that_does_not_answer_is_passed_over_and_the_reason_says_why():
    chosen = choice(info("docker", usable=False, reason="nothing answers"), info("oci", *EMBEDDED, reason="embedded"))

    assert chosen.candidate.info.name == "oci"
    assert chosen.plan == QUIET
    assert chosen.reason == "oci (embedded); not docker: nothing answers"


def test_one_that_cannot_do_the_plan_is_passed_over_and_the_reason_names_the_step():
    chosen = choice(info("docker", *EMBEDDED), info("oci", *EMBEDDED, *ENGINE), plan=WITH_RUN)

    assert chosen.reason == "oci (answers); not docker: cannot do the command 'make'"


def test_one_that_fails_instead_of_answering_harms_nobody():
    def load(_: Settings):
        raise ImportError("no module named docker")

    broken = BackendInfo(name="docker", summary="", capabilities=frozenset(ENGINE), load=load)

    chosen = choice(broken, info("oci", *EMBEDDED))

    assert chosen.reason == "oci (answers); not docker: it failed with ImportError: no module named docker"
    with pytest.raises(BackendUnavailable, match="ImportError: no module named docker"):
        choice(broken, asked="docker")


def test_the_reason_is_one_line_whatever_a_backend_says():
    chosen = choice(info("docker", usable=False, reason="no\n  socket\n"), info("oci", *EMBEDDED, reason="a\nb"))

    assert chosen.reason == "oci (a b); not docker: no socket"


def test_who_asks_is_obeyed_and_an_argument_beats_the_environment():
    backends = (info("docker", *ENGINE), info("oci", *EMBEDDED))

    assert choice(*backends, asked="oci").reason == "oci (answers), as asked"
    assert choice(*backends, env="oci").reason == "oci (answers), because of COG_BACKEND"
    assert choice(*backends, asked="docker", env="oci").candidate.info.name == "docker"


def test_a_project_may_name_its_backend_and_whoever_calls_overrules_it():
    backends = (info("docker", *ENGINE), info("oci", *EMBEDDED))

    assert choice(*backends, project="oci").reason == "oci (answers), because cog.yaml names it"
    assert choice(*backends, project="oci", env="docker").reason == "docker (answers), because of COG_BACKEND"
    assert choice(*backends, project="oci", env="oci", asked="docker").reason == "docker (answers), as asked"
    with pytest.raises(UnsupportedPlan):
        choice(*backends, project="oci", plan=WITH_RUN)
    with pytest.raises(UnknownBackend):
        choice(*backends, project="kaniko")


def test_an_unknown_name_gets_the_nearest_known_one():
    with pytest.raises(UnknownBackend, match="no backend named 'dokcer'") as caught:
        choice(info("docker", *ENGINE), info("oci", *EMBEDDED), asked="dokcer")

    assert caught.value.hint == "Did you mean docker? Known backends: docker, oci."
    with pytest.raises(UnknownBackend) as caught:
        choice(info("docker"), env="zzz")
    assert caught.value.hint == "Known backends: docker."


def test_when_nobody_answers_every_reason_is_told():
    with pytest.raises(BackendUnavailable) as caught:
        choice(
            info("docker", usable=False, reason="no socket", fix="start dockerd"),
            info("oci", usable=False, reason="no mirror"),
        )

    assert caught.value.message == "no backend can be used here\n  docker: no socket\n  oci: no mirror"
    assert caught.value.hint == "Try `start dockerd`."


def test_one_that_was_asked_for_and_does_not_answer_comes_with_a_way_out():
    with pytest.raises(BackendUnavailable) as caught:
        choice(
            info("docker", usable=False, reason="no socket", fix="start dockerd"),
            info("oci", *EMBEDDED),
            asked="docker",
        )

    assert caught.value.message == "backend 'docker' cannot be used here\n  docker: no socket"
    assert caught.value.hint == "Try `start dockerd`, or use --backend oci, which works here."


def test_a_plan_that_nobody_can_do_names_step_origin_and_who_could():
    could = info("docker", usable=False, reason="no socket", declared=frozenset(ENGINE))

    with pytest.raises(UnsupportedPlan) as caught:
        choice(could, info("oci", *EMBEDDED), plan=WITH_RUN)

    assert caught.value.message == (
        "no usable backend can carry out this plan\n  oci cannot do the command 'make' (cog.yaml:4 (build.run[0]))"
    )
    assert caught.value.hint == "Backends that could: docker; `cog backends` says what they need."
    assert caught.value.origin == HERE


def test_a_plan_that_the_asked_one_cannot_do_names_another_that_can():
    with pytest.raises(UnsupportedPlan) as caught:
        choice(info("docker", *ENGINE), info("oci", *EMBEDDED), plan=WITH_RUN, asked="oci")

    assert caught.value.hint == "Use --backend docker."


def test_a_plan_that_no_known_backend_could_ever_do_says_so():
    with pytest.raises(UnsupportedPlan) as caught:
        choice(info("oci", *EMBEDDED), plan=WITH_RUN)

    assert caught.value.hint == "No known backend can; leave that part out of cog.yaml."


abilities = st.frozensets(st.sampled_from([C.RUN, C.IMAGE_BASE, C.PYTHON_BASE, C.RUNTIME]))
machines = st.dictionaries(st.sampled_from(["docker", "oci", "podman", "x"]), st.tuples(st.booleans(), abilities))


@settings(max_examples=50, deadline=None)
@given(machines)
def test_what_is_chosen_is_the_first_that_is_usable_and_able(machine):
    backends = tuple(info(name, *able, usable=usable) for name, (usable, able) in machine.items())
    order = sorted(machine, key=["docker", "podman", "oci", "x"].index)
    fits = [
        name
        for name in order
        if machine[name][0] and not lacking(lower(WITH_RUN, machine[name][1]), machine[name][1])
    ]

    try:
        chosen = choice(*backends, plan=WITH_RUN).candidate.info.name
    except (BackendUnavailable, UnsupportedPlan):
        chosen = None

    assert chosen == (fits[0] if fits else None)


class Asked:
    """Backends that note who is asked, and answer once ``go`` is set."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.go = threading.Event()

    def info(self, name: str) -> BackendInfo:
        usual = info(name, *ENGINE)

        def load(found: Settings):
            self.names.append(name)
            assert self.go.wait(30), "nobody did anything meanwhile"
            return usual.load(found)

        return attrs.evolve(usual, load=load)


@pytest.mark.parametrize(
    ("who", "first"),
    [
        ({}, "docker"),
        ({"project": "oci"}, "oci"),
        ({"env": "podman", "project": "oci"}, "podman"),
        ({"asked": "oci", "env": "podman"}, "oci"),
    ],
)
def test_who_will_be_asked_first_is_asked_while_others_work(who: dict[str, str], first: str):
    asked = Asked()
    known = plugins(backends=tuple(asked.info(name) for name in ("oci", "podman", "docker")))
    found = Settings(environ={}, home=Path("/h"), cache=Path("/c"), backend=who.pop("env", None))

    begun = begin_to_choose(known, found, **who)
    asked.go.set()  # comes after begin_to_choose() has returned
    chosen = choose(known, found, QUIET, **who, begun=begun)

    assert chosen.candidate.info.name == first
    assert asked.names == [first]


def test_nobody_is_asked_for_a_name_that_does_not_exist():
    found = Settings(environ={}, home=Path("/h"), cache=Path("/c"), backend=None)

    assert begin_to_choose(plugins(backends=(info("oci", *EMBEDDED),)), found, asked="dcker") == {}
    assert begin_to_choose(plugins(backends=()), found) == {}


OWN = Platform.of_this_machine()
FOREIGN = attrs.evolve(QUIET, platform=Platform("linux", "arm64" if OWN.architecture == "amd64" else "amd64"))


def test_an_image_for_another_platform_is_for_a_backend_that_makes_some():
    chosen = choice(info("docker", *ENGINE), info("oci", *EMBEDDED, C.OTHER_PLATFORMS), plan=FOREIGN)

    assert chosen.reason == f"oci (answers); not docker: cannot do an image for {FOREIGN.platform}"
    with pytest.raises(UnsupportedPlan, match=f"docker cannot do an image for {FOREIGN.platform}"):
        choice(info("docker", *ENGINE), plan=FOREIGN, asked="docker")


@pytest.mark.parametrize(
    ("probe", "fact"),
    [
        ({"capabilities": [["x"]]}, "a plugin failed with ValueError: ['x'] is not a valid Capability"),
        ({"capabilities": {"fly"}}, "a plugin failed with ValueError: 'fly' is not a valid Capability"),
        ({"capabilities": None}, "a plugin failed with TypeError"),
        ({"details": None}, "a plugin failed with AttributeError"),
    ],
)
def test_a_probe_that_cannot_be_right_is_told_as_its_backend_s(probe: dict[str, Any], fact: str):
    class Odd:
        def probe(self) -> Probe:
            return Probe(usable=True, reason="answers", **probe)

        def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
            raise AssertionError

    odd = BackendInfo(name="odd", summary="", capabilities=frozenset(ENGINE), load=lambda _: Odd())
    found = plugins(backends=(odd,))
    known = attrs.evolve(found, owners={"odd": LoadedPlugin("odd", "a plugin")})

    (candidate,) = candidates(known, Settings.from_environ({}), QUIET)

    assert not candidate.probe.usable
    assert candidate.probe.reason.startswith(fact)


def test_facts_of_a_probe_are_texts_and_names_of_capabilities_are_capabilities():
    probe = Probe(usable=True, reason="answers", version=(1, 2), capabilities=["run"], details={"workers": 3})

    assert (probe.version, probe.details) == ("(1, 2)", {"workers": "3"})
    assert [each.value for each in probe.capabilities] == ["run"]


def test_each_is_asked_once_also_when_it_is_not_usable():
    asked: list[str] = []

    def silent(name: str) -> BackendInfo:
        def load(_: Settings) -> Any:
            asked.append(name)
            raise OSError("no socket")

        return BackendInfo(name=name, summary="", capabilities=frozenset(ENGINE), load=load)

    with pytest.raises(BackendUnavailable):
        choice(silent("docker"), silent("podman"), asked="docker")

    assert asked == ["docker", "podman"]
