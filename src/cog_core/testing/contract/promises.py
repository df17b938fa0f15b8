"""Checks of what a backend says before it does anything, and of what it does for several callers."""

from __future__ import annotations

import gc
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from cog_core import clock
from cog_core.backend import Backend, ToStore
from cog_core.errors import Origin, UnsupportedPlan
from cog_core.ir import BindMount, Copy, ImageBase, PythonPackages, Run, SecretMount, User, Write, lacking, lower
from cog_core.plugins import choose
from cog_core.plugins.manager import Plugins
from cog_core.settings import Settings

if TYPE_CHECKING:
    from cog_core.backend import BuildRequest, ImageInfo, Probe
    from cog_core.events import Emit
    from cog_core.ir import BuildPlan
    from cog_core.testing.contract.built import Built
    from cog_core.testing.contract.kit import Kit
    from cog_core.testing.contract.subject import Subject

_QUICK = 10.0
_ORIGIN = Origin(file="cog.yaml", key="build.run[0]", line=3)


class PromiseChecks:
    """Probing, refusing, and two at once."""

    def test_the_probe_is_quick_and_within_what_is_declared(self, subject: Subject) -> None:
        """It finds at most what the record declares, says why in one line, and answers the same twice."""
        started = clock.monotonic()
        backend = subject.info.load(subject.settings)

        probe = backend.probe()

        assert clock.monotonic() - started < _QUICK
        assert isinstance(backend, Backend)
        assert probe.capabilities <= subject.info.capabilities
        assert probe.reason
        assert "\n" not in probe.reason
        assert backend.probe() == probe

    def test_the_probe_never_raises(self, subject: Subject) -> None:
        """Not even with no programs, no home and no engine to be found."""
        environ = {
            "PATH": "/nonexistent",
            "HOME": "/nonexistent",
            "COG_CACHE_DIR": "/dev/null/cache",
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
            "CONTAINER_HOST": "unix:///nonexistent/podman.sock",
            "BUILDKIT_HOST": "unix:///nonexistent/buildkitd.sock",
        }
        started = clock.monotonic()

        with warnings.catch_warnings():  # libraries leave sockets open that could not be connected
            warnings.simplefilter("ignore", ResourceWarning)
            probe = subject.info.load(Settings.from_environ(environ)).probe()
            gc.collect()

        assert clock.monotonic() - started < _QUICK
        assert probe.usable or probe.reason

    def test_the_probe_changes_nothing(self, subject: Subject, kit: Kit) -> None:
        """It leaves no files behind."""
        before = kit.leftovers()

        subject.info.load(subject.settings).probe()

        assert kit.left_since(before) == set()

    def test_a_plan_that_it_cannot_do_is_refused_before_anything_happens(self, kit: Kit) -> None:
        """The error names the part of the plan, its origin and the backend; the build is never begun."""
        plan = _impossible(kit)
        watched = _Watched(kit.backend, kit.probe)
        info = attrs.evolve(kit.subject.info, load=lambda _: watched)
        plugins = Plugins(hook=None, loaded=(), failed=(), backends={info.name: info})
        before = kit.leftovers()

        with pytest.raises(UnsupportedPlan) as caught:
            choose(plugins, kit.subject.settings, plan, asked=info.name)

        need = lacking(lower(plan, kit.probe.capabilities), kit.probe.capabilities)[0]
        assert info.name in caught.value.message
        assert need.subject in caught.value.message
        assert caught.value.origin == _ORIGIN
        assert not watched.builds
        assert kit.left_since(before) == set()

    def test_a_plan_that_it_can_do_is_given_to_it(self, kit: Kit) -> None:
        """The choice says so, and the plan is lowered for the backend."""
        info = kit.subject.info
        plugins = Plugins(hook=None, loaded=(), failed=(), backends={info.name: info})
        plan = kit.plan(Write(path="/kit/a", content="a"))

        choice = choose(plugins, kit.subject.settings, plan, asked=info.name)

        assert choice.plan == lower(plan, kit.probe.capabilities)
        assert info.name in choice.reason

    def test_two_builds_at_once_do_not_disturb_each_other(self, kit: Kit) -> None:
        """Two threads, one backend, one project, different plans."""
        kit.put("shared", "shared")

        def build(name: str) -> Built:
            return kit.build(Copy(target="/kit/src"), Write(path="/kit/name", content=name))

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(build, ("first", "second"))

        assert first.contents() == {"src/shared": b"shared", "name": b"first"}
        assert second.contents() == {"src/shared": b"shared", "name": b"second"}

    @pytest.mark.parametrize("named", [True, False])
    def test_two_equal_builds_at_once_both_end_well(self, kit: Kit, *, named: bool) -> None:
        """The same plan, as two terminals would do it, under one name or without any."""
        kit.put("shared", "shared")
        steps = (Copy(target="/kit/src"), Write(path="/kit/name", content="same"))
        outputs = (ToStore(kit.tag),) if named else ()

        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda _: kit.build(*steps, outputs=outputs), range(2)))

        assert [built.contents("src") for built in both] == [{"shared": b"shared"}] * 2


class _Watched:
    """A backend that counts builds instead of doing them."""

    def __init__(self, backend: Backend, probe: Probe) -> None:
        self._backend = backend
        self._probe = probe
        self.builds: list[BuildRequest] = []

    def probe(self) -> Probe:
        return self._probe

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        self.builds.append(request)
        return self._backend.build(request, emit)


def _impossible(kit: Kit) -> BuildPlan:
    """Return a plan that the backend does not claim to be able to do."""
    run: dict[str, Any] = {"script": "true", "origin": _ORIGIN}
    plans = [
        kit.plan(Run(**run)),
        kit.plan(Run(**run, mounts=(SecretMount(id="a", target="/run/a"),))),
        kit.plan(Run(**run, mounts=(BindMount(context="project", source="a", target="/mnt"),))),
        kit.plan(User(name="nobody", origin=_ORIGIN)),
        kit.plan(PythonPackages(unlocked=("./a.tar.gz",), origin=_ORIGIN)),
        attrs.evolve(kit.plan(), stage=attrs.evolve(kit.plan().stage, base=ImageBase(reference="a", origin=_ORIGIN))),
    ]
    capabilities = kit.probe.capabilities
    for plan in plans:
        if lacking(lower(plan, capabilities), capabilities):
            return plan
    pytest.skip("the backend can do every plan")
