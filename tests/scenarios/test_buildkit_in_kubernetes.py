"""A team's builder in a cluster, as the how-to has it: applied, used with few rights, lost, and there again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from cog_core.errors import BackendUnavailable
from cog_core.events import StepFinished, StepOutput
from cog_core.ir import BindMount, Copy, Run, Write
from tests.contract.small_base import SmallBase, make
from tests.scenarios import pod_images
from tests.scenarios.buildkitd import kit_at
from tests.support.pages import shown_files

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.events import Event
    from cog_core.testing.contract import Kit
    from tests.engines.buildkit import BuildkitAccess
    from tests.engines.kubernetes import Cluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.engine("kubernetes", "buildkit", "buildkit-rootless"),
]

_PAGE = "how-to/shared-builder.md"
_ADDRESS = "kube-pod://buildkitd-0?context=builder&namespace=default&container=buildkitd"
_RANDOM = Run(script="mkdir -p /kit; cat /proc/sys/kernel/random/uuid > /kit/id")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    return make(tmp_path_factory.mktemp("base"))


@pytest.fixture
def server(cluster: Cluster, buildkit_engine: BuildkitAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Apply what the page shows, and return the address for who builds."""
    monkeypatch.setenv("PATH", f"{cluster.environ['PATH']}:{buildkit_engine.buildctl.parent}")
    for make_image in (pod_images.sandbox, pod_images.rootless_buildkit):
        cluster.load(make_image(tmp_path / make_image.__name__))
    cluster.volume(tmp_path / "volume", gigabytes=100)
    cluster.kubectl("apply", "-f", "-", stdin=shown_files(_PAGE)["buildkitd.yaml"])
    cluster.kubectl("rollout", "status", "statefulset/buildkitd", "--timeout=100s")
    return _ADDRESS


def test_a_team_builds_in_a_cluster(
    server: str, cluster: Cluster, buildkit_engine: BuildkitAccess, base: SmallBase, tmp_path: Path
) -> None:
    refused = kit_at(base, tmp_path / "stranger", BUILDKIT_HOST=server).probe
    assert not refused.usable
    assert 'pods "buildkitd-0" is forbidden' in refused.reason

    cluster.kubectl("apply", "-f", "-", stdin=shown_files(_PAGE)["builders.yaml"])
    there = kit_at(base, tmp_path / "there", BUILDKIT_HOST=server)
    assert there.probe.usable, there.probe.reason
    here = kit_at(base, tmp_path / "here", BUILDKIT_HOST=buildkit_engine.host)
    assert image(there) == image(here)

    lose_the_pod(cluster, there)
    built = there.build(_RANDOM, Write(path="/kit/end", content="done"))
    assert built.read("end") == b"done"
    assert any(isinstance(event, StepFinished) and event.cached for event in built.events)


def image(kit: Kit) -> dict[str, tuple[object, ...]]:
    """Send a context and weights, run a command, and return what is in the image."""
    kit.put("a folder/a file", "of the project")
    (kit.weights / "large").write_bytes(bytes(3 << 20))
    mounts = (BindMount(context="weights", source="large", target="/mnt/large"),)
    built = kit.build(
        Copy(target="/kit/src"),
        Run(
            script="mkdir /kit/made; cat /kit/src/*/* /mnt/large | sha256sum > /kit/sum",
            mounts=mounts,
        ),
    )
    assert built.read("sum")
    # Where the base lacks the folder, root's server makes it to mount something there; an ordinary user's cannot.
    return {path: facts for path, facts in built.facts().items() if path != "sys"}


def lose_the_pod(cluster: Cluster, kit: Kit) -> None:
    """Replace the pod in the middle of a build, which says so, and wait for the next one."""
    gone = threading.Thread(target=cluster.kubectl, args=("delete", "pod", "buildkitd-0", "--grace-period=1"))

    def hear(event: Event) -> None:
        if isinstance(event, StepOutput) and event.line == "ready":
            gone.start()

    with pytest.raises(BackendUnavailable, match="went away during the build"):
        kit.build(_RANDOM, Run(script="echo ready; sleep 100"), emit=hear)
    gone.join()
    cluster.kubectl("rollout", "status", "statefulset/buildkitd", "--timeout=100s")
