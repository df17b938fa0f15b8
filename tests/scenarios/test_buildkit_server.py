"""What can happen to a shared BuildKit server: certificates, a crash, a full disk, a cache for others."""

from __future__ import annotations

import json
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from cog_core.backend import ToRegistry
from cog_core.caches import Cache
from cog_core.errors import BackendError, BackendUnavailable
from cog_core.events import StepFinished, StepOutput
from cog_core.ir import Copy, Run, Write
from tests.contract.small_base import SmallBase, make
from tests.scenarios.buildkitd import kit_at, serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cog_core.events import Event
    from tests.engines.registry import RunningRegistry
    from tests.scenarios.buildkitd import Buildkitd

pytestmark = [pytest.mark.slow, pytest.mark.engine("buildkit"), pytest.mark.usefixtures("buildkit_engine")]

_RANDOM = Run(script="mkdir -p /kit; cat /proc/sys/kernel/random/uuid > /kit/id")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    return make(tmp_path_factory.mktemp("base"))


def test_a_server_that_wants_certificates_gets_them(base: SmallBase, certificates: Path, tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    mutual = [f"--tls{name}={certificates}/{file}.pem" for name, file in _TLS.items()]
    with serve(tmp_path / "root", address, *mutual):
        kit = kit_at(base, tmp_path, BUILDKIT_HOST=address, COG_BUILDKIT_TLS_DIR=str(certificates))

        assert kit.build(Write(path="/kit/a", content="a")).read("a") == b"a"

        stranger = kit_at(base, tmp_path, BUILDKIT_HOST=address).probe
        assert not stranger.usable
        assert "COG_BUILDKIT_TLS_DIR" in (stranger.fix or "")


def test_a_crash_in_a_build_is_told_and_the_next_build_goes_on_from_the_cache(
    base: SmallBase, tmp_path: Path
) -> None:
    address = f"unix://{tmp_path}/buildkitd.sock"
    steps = (_RANDOM, Run(script="echo ready; test -s /slow/one || sleep 100; echo done > /kit/end"))
    with serve(tmp_path / "root", address) as server, pytest.raises(BackendUnavailable) as caught:
        kit_at(base, tmp_path, BUILDKIT_HOST=address).build(*steps, emit=_when_ready(server))
    assert f"{address} went away during the build" in caught.value.message
    assert "repeat the build" in (caught.value.hint or "")

    with serve(tmp_path / "root", address):
        again = kit_at(base, tmp_path, BUILDKIT_HOST=address)
        built = again.build(_RANDOM, Run(script="echo done > /kit/end"))

    assert built.read("end") == b"done\n"
    assert any(isinstance(event, StepFinished) and event.cached for event in built.events)


def test_a_full_disk_of_the_server_is_told_with_what_to_do(base: SmallBase, tmp_path: Path) -> None:
    disk, address = tmp_path / "disk", f"unix://{tmp_path}/buildkitd.sock"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", disk], check=True)
    try:
        with serve(disk / "root", address):
            kit = kit_at(base, tmp_path, BUILDKIT_HOST=address)
            kit.put("large", bytes(60 << 20))
            with pytest.raises(BackendError) as caught:
                kit.build(Copy(target="/kit/src"))
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)

    assert "no space left" in caught.value.message
    assert "prune" in (caught.value.hint or "")


@pytest.mark.engine("registry")
@pytest.mark.parametrize("place", ["registry", "local"])
def test_a_cache_serves_another_server(
    base: SmallBase, oci_registry: RunningRegistry, tmp_path: Path, place: str
) -> None:
    """What one server wrote, a server that never saw the project reads."""
    name, folder = f"{oci_registry.address}/cache:x", tmp_path / "shared"
    written = {"registry": f"type=registry,ref={name},mode=max", "local": f"type=local,dest={folder},mode=max"}
    read = {"registry": name, "local": f"type=local,src={folder}"}
    address = f"unix://{tmp_path}/buildkitd.sock"
    with serve(tmp_path / "one", address):
        kit = kit_at(base, tmp_path, BUILDKIT_HOST=address)
        first = kit.build(_RANDOM, cache_to=(Cache.parse(written[place]),))
    with serve(tmp_path / "two", address):
        second = kit.build(_RANDOM, cache_from=(Cache.parse(read[place]),))

    assert first.read("id") == second.read("id")


@pytest.mark.engine("registry")
def test_what_the_server_pushes_is_described_with_its_layers(
    base: SmallBase, oci_registry: RunningRegistry, tmp_path: Path
) -> None:
    kit = kit_at(base, tmp_path)
    reference = f"{oci_registry.address}/model:v1"
    plan = kit.plan(Write(path="/kit/a", content="a"))
    layout = kit.build_plan(plan)

    info = kit.backend.build(kit.request(plan, (ToRegistry(reference),)), lambda _: None)

    assert info.image_id == layout.info.image_id
    assert tuple(layer.diff_id for layer in info.layers) == layout.diff_ids


@pytest.mark.engine("registry", "skopeo")
def test_what_the_server_pushes_may_say_how_it_was_built(
    base: SmallBase, oci_registry: RunningRegistry, tmp_path: Path
) -> None:
    kit = kit_at(base, tmp_path, COG_BUILDKIT_ATTEST="provenance=mode=max")
    reference = f"{oci_registry.address}/model:v1"
    plan = kit.plan(Write(path="/kit/a", content="a"))

    info = kit.backend.build(kit.request(plan, (ToRegistry(reference),)), lambda _: None)

    shown = ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{reference}"]
    index = json.loads(subprocess.run(shown, capture_output=True, text=True, check=True).stdout)
    kinds = [entry.get("annotations", {}).get("vnd.docker.reference.type") for entry in index["manifests"]]
    assert kinds == [None, "attestation-manifest"]
    assert info.image_id == kit.build_plan(plan).info.image_id
    assert info.layers


_TLS = {"cacert": "ca", "cert": "server-cert", "key": "server-key"}


def _when_ready(server: Buildkitd) -> Callable[[Event], None]:
    def kill(event: Event) -> None:
        if isinstance(event, StepOutput) and event.line == "ready":
            server.kill()

    return kill


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
