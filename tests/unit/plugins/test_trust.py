"""What strangers' backends do is told as theirs, and looked at before it is believed."""

from __future__ import annotations

import attrs
import pytest

from cog_core.backend import BackendInfo, BuildRequest, ImageInfo, Probe, ToStore
from cog_core.errors import BuildFailed, ImageNotFound, PluginError
from cog_core.events import Emit, Noted
from cog_core.ir import BuildPlan, Capability, ImageConfig, PythonBase, Stage
from cog_core.plugins import candidates
from cog_core.plugins.trust import blamed, checked
from cog_core.settings import Settings
from cog_core.values import Platform, PythonVersion
from tests.unit.plugins.kit import plugins

STRANGER = "acme-images 1.2"
PLAN = BuildPlan(
    stage=Stage(base=PythonBase(version=PythonVersion(3, 12)), steps=()), config=ImageConfig(), platform=Platform()
)
REQUEST = BuildRequest(plan=PLAN, contexts={}, outputs=(ToStore("hello"),))
BUILT = ImageInfo(image_id="sha256:1", platform=PLAN.platform)


@attrs.frozen
class Keeper:
    """Has a method of each kind, whatever it promises."""

    kept: tuple[str, ...] = ()
    capabilities: tuple[Capability, ...] = ()

    def probe(self) -> Probe:
        return Probe(usable=True, reason="answers", capabilities=self.capabilities)

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        raise AssertionError

    def inspect(self, reference: str) -> ImageInfo:
        for image_id in self.kept:
            return ImageInfo(image_id=image_id)
        raise ImageNotFound(f"there is no image {reference!r}")

    def run(self, *_: object) -> None:
        raise AssertionError


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), SystemExit(3), ConnectionResetError("gone")])
def test_what_a_stranger_raises_is_told_by_distribution(error: BaseException):
    with pytest.raises(PluginError) as caught, blamed("acme", STRANGER):
        raise error

    fact = f"{type(error).__name__}: {error}"
    assert caught.value.message == f"the backend acme of acme-images 1.2 failed with {fact}"
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [BuildFailed("the step failed"), KeyboardInterrupt(), FileNotFoundError(2, "missing", "/data/file")]
)
def test_what_is_understood_without_a_name_stays_what_it_is(error: BaseException):
    with pytest.raises(type(error)) as caught, blamed("acme", STRANGER):
        raise error

    assert caught.value is error


@pytest.mark.parametrize("owner", ["cog-core 0.1.0", ""])
def test_our_own_mistakes_stay_mistakes(owner: str):
    with pytest.raises(ZeroDivisionError), blamed("docker", owner):
        raise ZeroDivisionError


def test_what_a_listener_raises_is_not_the_backend_s():
    def listen(event: object) -> None:
        raise LookupError(event)

    with pytest.raises(LookupError), blamed("acme", STRANGER, listen) as emit:
        emit(Noted(message="half way"))


@pytest.mark.parametrize(("kept", "fact"), [((), "keeps nothing"), (("sha256:2",), "keeps sha256:2")])
def test_an_image_that_a_stranger_does_not_keep_was_not_built(kept: tuple[str, ...], fact: str):
    with pytest.raises(PluginError, match=f"says that hello is sha256:1, and {fact} under that name"):
        checked(BUILT, REQUEST, Keeper(kept), backend="acme", owner=STRANGER)


def test_an_image_that_a_stranger_keeps_was_built():
    assert checked(BUILT, REQUEST, Keeper(("sha256:1",)), backend="acme", owner=STRANGER) is BUILT


@pytest.mark.parametrize(("able", "runs"), [((), False), ((Capability.RUN_IMAGES,), True)])
def test_a_method_named_run_is_no_promise_to_run_images(able: tuple[Capability, ...], runs: bool):
    backend = Keeper(capabilities=able)
    info = BackendInfo(name="acme", summary="", capabilities=frozenset(able), load=lambda _: backend)

    (candidate,) = candidates(plugins(backends=(info,)), Settings.from_environ({}))

    assert candidate.runner is (backend if runs else None)
