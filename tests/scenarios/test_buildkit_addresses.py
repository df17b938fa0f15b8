"""The same build by each kind of address: through a secure shell, into a container; pods have a file of their own."""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from cog_core import families
from cog_core.errors import BackendUnavailable
from cog_core.events import StepOutput
from cog_core.ir import BindMount, Copy, Run
from tests.contract.small_base import SmallBase, make
from tests.engines import sshd
from tests.scenarios.buildkitd import kit_at
from tests.scenarios.test_buildkit_server import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cog_core.events import Event
    from tests.engines.buildkit import BuildkitAccess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.engine("buildkit")]

_READY = 60.0
# Where somebody took a capability from the engine itself, --privileged asks for more than it may give.
_ALLOWED = (
    *("--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN", "--security-opt=seccomp=unconfined"),
    *("--volume=/sys/fs/cgroup:/sys/fs/cgroup", "--volume=/var/lib/buildkit"),
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    return make(tmp_path_factory.mktemp("base"))


@pytest.fixture
def by_ssh(buildkit_engine: BuildkitAccess, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Give an address through a server whose programs find ``buildctl`` and the socket."""
    (tmp_path / "ssh").mkdir()
    port = free_port()
    there = {"PATH": os.environ["PATH"], "BUILDKIT_HOST": buildkit_engine.host}
    with sshd.serve(tmp_path / "ssh", port, **there) as programs:
        yield {
            "BUILDKIT_HOST": f"ssh://{getpass.getuser()}@127.0.0.1:{port}",
            "PATH": f"{programs}:{os.environ['PATH']}",
        }


@pytest.mark.engine("sshd")
def test_a_server_behind_a_secure_shell(by_ssh: dict[str, str], base: SmallBase, tmp_path: Path) -> None:
    builds(base, tmp_path, by_ssh)


@pytest.mark.engine("sshd")
def test_a_socket_behind_a_secure_shell_can_be_named(
    by_ssh: dict[str, str], buildkit_engine: BuildkitAccess, base: SmallBase, tmp_path: Path
) -> None:
    socket = buildkit_engine.host.removeprefix("unix://")

    builds(base, tmp_path, {**by_ssh, "BUILDKIT_HOST": by_ssh["BUILDKIT_HOST"] + socket})


@pytest.mark.engine("docker")
def test_a_server_in_a_container_of_docker_s(
    buildkit_engine: object, docker_engine: object, base: SmallBase, tmp_path: Path
) -> None:
    in_container("docker", base, tmp_path)


@pytest.mark.engine("podman")
def test_a_server_in_a_container_of_podman_s(
    buildkit_engine: object, podman_engine: object, base: SmallBase, tmp_path: Path
) -> None:
    in_container("podman", base, tmp_path)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("ssh://127.0.0.1:1", "ssh: connect to host 127.0.0.1 port 1: Connection refused"),
        ("docker-container://cog-nobody", "docker: "),
        ("podman-container://cog-nobody", "podman: no container with name or ID"),
        ("tcp://127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused"),
    ],
)
@pytest.mark.engine("sshd", "podman", "docker")
@pytest.mark.usefixtures("buildkit_engine", "podman_engine", "docker_engine")
def test_a_server_that_is_not_there_is_told_by_who_looked_for_it(
    base: SmallBase, tmp_path: Path, address: str, reason: str
) -> None:
    probe = kit_at(base, tmp_path, BUILDKIT_HOST=address).probe

    assert not probe.usable
    assert f"no BuildKit server answers at {address}: {reason}" in probe.reason
    assert "TLS" not in f"{probe.reason}{probe.fix}"


@pytest.mark.skipif(os.geteuid() != 0, reason="the server that is started is root's")
def test_what_is_said_to_start_a_server_starts_one(buildkit_engine: object, base: SmallBase, tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/b.sock"
    server = {"BUILDKIT_HOST": address, "HOME": str(tmp_path)}
    fix = kit_at(base, tmp_path, **server).probe.fix
    assert fix is not None
    assert address in fix

    with starting(fix, tmp_path):
        deadline = time.monotonic() + _READY
        while not kit_at(base, tmp_path, **server).probe.usable:
            assert time.monotonic() < deadline
            time.sleep(0.2)


@contextlib.contextmanager
def starting(command: str, folder: Path) -> Iterator[None]:
    """Run what starts a server in the background, with its files in a folder; it is ended in the end."""
    private = f"mount -t tmpfs tmpfs /var/lib && {command} wait"  # where a server keeps its files, if nobody says
    argv = ("unshare", "--mount", "sh", "-c", private)
    with (folder / "log").open("wb") as log, subprocess.Popen(argv, stderr=log, start_new_session=True) as process:
        try:
            yield
        finally:
            families.end(families.descendants(process.pid))


def builds(base: SmallBase, folder: Path, environ: dict[str, str]) -> None:
    """Send a context and a base, run a command, and fetch the image."""
    kit = kit_at(base, folder, **environ)
    assert kit.probe.usable, kit.probe.reason
    assert environ["BUILDKIT_HOST"] in kit.probe.reason
    kit.put("a file", "of the project")
    (kit.weights / "large").write_bytes(bytes(3 << 20))

    built = kit.build(
        Copy(target="/kit/src"),
        Run(
            script="cat '/kit/src/a file' /mnt/large | sha256sum > /kit/sum",
            mounts=(BindMount(context="weights", source="large", target="/mnt/large"),),
        ),
    )

    assert built.contents("src") == {"a file": b"of the project"}
    assert built.read("sum")


def in_container(client: str, base: SmallBase, folder: Path) -> None:
    """Build in a container; when that ends in the middle of a build, what is said to help does help."""
    with contained(client, folder) as name:
        address = f"{client}-container://{name}"
        builds(base, folder, {"BUILDKIT_HOST": address})

        kit = kit_at(base, folder, BUILDKIT_HOST=address)
        with pytest.raises(BackendUnavailable, match=f"{address} went away during the build"):
            kit.build(Run(script="echo ready; sleep 100"), emit=_when_ready(lambda: _done(client, "kill", name)))

        stopped = kit_at(base, folder, BUILDKIT_HOST=address).probe
        assert stopped.fix == f"{client} start {name}"
        _done("sh", "-c", stopped.fix)
        _wait(client, name)
        assert kit_at(base, folder, BUILDKIT_HOST=address).probe.usable


@contextlib.contextmanager
def contained(client: str, folder: Path) -> Iterator[str]:
    """Run a server in a container of an image that holds it alone, and yield the container's name."""
    image = make(folder / "server", more=("buildkitd", "buildctl", "runc"))
    name = f"cog-buildkitd-{secrets.token_hex(4)}"
    try:
        _done(client, "run", "--detach", "--name", name, *_ALLOWED, image.load(client), "buildkitd")
        _wait(client, name)
        yield name
    finally:
        _done(client, "rm", "--force", "--volumes", name)
        _done(client, "image", "rm", "--force", image.reference)


def _done(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.stderr}"


def _when_ready(act: Callable[[], None]) -> Callable[[Event], None]:
    def hear(event: Event) -> None:
        if isinstance(event, StepOutput) and event.line == "ready":
            act()

    return hear


def _wait(client: str, name: str) -> None:
    deadline = time.monotonic() + _READY
    asked = [client, "exec", name, "buildctl", "debug", "workers"]
    while subprocess.run(asked, capture_output=True, check=False).returncode:
        log = subprocess.run([client, "logs", name], capture_output=True, text=True, check=False)
        assert time.monotonic() < deadline, log.stderr
        time.sleep(0.2)
