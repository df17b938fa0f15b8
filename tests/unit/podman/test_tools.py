"""Finding podman: whatever it says, the probe answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from cog_backends.podman.backend import PodmanBackend
from cog_backends.podman.tools import Missing, find_tools
from cog_core import process
from cog_core.engine_advice import sudo
from cog_core.errors import BackendUnavailable
from cog_core.ir import Capability
from cog_core.ir.dockerfile import EARLY_BUILDKIT, MODERN, Dialect
from cog_core.settings import Settings
from tests.unit.podman.kit import BUILDAH, INFO, REMOTE, program, saying

if TYPE_CHECKING:
    from pathlib import Path

SYSTEM = "/usr/bin:/bin"


def test_a_podman_that_answers_is_described(tmp_path: Path) -> None:
    program(tmp_path, "podman", saying(INFO))
    program(tmp_path, "buildah", "echo 'buildah version 1.38.0 (image-spec 1.1.0)'")

    found = find_tools({"PATH": f"{tmp_path}:{SYSTEM}"}, process.run)

    assert not isinstance(found, Missing)
    assert found.builder == (f"{tmp_path}/buildah", "build")
    assert (found.version, found.builder_version) == ("5.2.1", "1.38.0")
    assert (found.rootless, found.selinux, found.remote) == (True, True, False)
    assert str(found.platform) == "linux/arm64"


def test_without_buildah_podman_builds_by_itself(tmp_path: Path) -> None:
    program(tmp_path, "podman", saying(INFO))
    program(tmp_path, "buildah", "exit 1")

    found = find_tools({"PATH": f"{tmp_path}:{SYSTEM}"}, process.run)

    assert not isinstance(found, Missing)
    assert found.builder == (f"{tmp_path}/podman", "build")
    assert found.builder_version == "1.37.1"


STORE = {"host": {"os": "linux", "arch": "arm64", "rootless": False}, "store": {"GraphRoot": "/var/lib/images"}}


def quick(folder: Path, versions: object, store: object) -> None:
    """Write a podman that tells its version and whose ``info`` is another's, and a buildah."""
    program(folder, "podman", f'[ "$1" = version ] || {{ {saying(INFO)}\nexit; }}\n{saying(versions)}')
    program(folder, "buildah", f'[ "$1" = info ] || {{ echo "buildah version 1.38.0"; exit; }}\n{saying(store)}')


def test_what_matters_is_learned_without_the_slow_question(tmp_path: Path) -> None:
    quick(tmp_path, {"Client": {"Version": "5.3.0"}}, STORE)

    found = find_tools({"PATH": f"{tmp_path}:{SYSTEM}"}, process.run)

    assert not isinstance(found, Missing)
    assert (found.version, found.builder_version, found.store) == ("5.3.0", "1.38.0", "/var/lib/images")
    assert (str(found.platform), found.rootless, found.remote) == ("linux/arm64", False, False)


@pytest.mark.parametrize(
    ("versions", "store"),
    [
        ({"Client": {"Version": "5.3.0"}, "Server": {"Version": "5.3.0"}}, STORE),
        ({"Client": {"Version": "5.3.0"}}, {**STORE, "host": {**STORE["host"], "rootless": True}}),
        ({"Client": {"Version": "5.3.0"}}, {"host": {}}),
        ({"Client": {"Version": "5.3.0"}}, []),
        ({"Client": None}, STORE),
        ([], STORE),
    ],
)
def test_what_the_quick_look_cannot_tell_podman_is_asked_for(tmp_path: Path, versions: object, store: object) -> None:
    """Another machine, an ordinary user without a program for networks here, and answers of another form."""
    quick(tmp_path, versions, store)
    (tmp_path / "cat").symlink_to("/bin/cat")

    found = find_tools({"PATH": str(tmp_path)}, process.run)

    assert not isinstance(found, Missing)
    assert (found.version, found.store) == ("5.2.1", "/home/me/.local/share/containers/storage")


@pytest.mark.parametrize(
    ("script", "reason", "fix"),
    [
        ("echo 'Error: overlay is broken' >&2; exit 125", "overlay is broken", None),
        ("echo nonsense", "not understood", None),
        ("echo '{}'", "not understood", None),
        ("echo '[]'", "not understood", None),
        ("exit 1", "no reason", None),
        ("echo 'Cannot connect to Podman. Please' >&2; exit 125", "machine does not answer", "podman machine start"),
        ("echo 'Error: no subuid ranges found for user' >&2; exit 125", "ordinary user", "usermod --add-subuids"),
    ],
)
def test_a_podman_that_fails_is_not_usable_and_the_reason_is_told(tmp_path: Path, script, reason, fix) -> None:
    program(tmp_path, "podman", script)

    probe = backend(tmp_path).probe()

    assert not probe.usable
    assert reason in probe.reason
    assert (fix or "") in (probe.fix or "")


def test_a_podman_that_hangs_is_given_up(tmp_path: Path) -> None:
    program(tmp_path, "podman", "exec sleep 60")

    def impatient(command, *, on_line=None):
        return process.run(attrs.evolve(command, timeout=0.2), on_line=on_line)

    assert find_tools({"PATH": f"{tmp_path}:{SYSTEM}"}, impatient) == Missing(
        f"{tmp_path}/podman did not answer within 0.2 s"
    )


def test_without_podman_the_command_that_installs_it_is_told(tmp_path: Path) -> None:
    program(tmp_path, "apt-get", "exit 1")
    nowhere = PodmanBackend(Settings.from_environ({"PATH": str(tmp_path), "HOME": str(tmp_path)}))

    probe = nowhere.probe()

    assert (probe.usable, probe.reason) == (False, "podman is not installed")
    assert probe.fix == f"{sudo()}apt-get install podman buildah"
    with pytest.raises(BackendUnavailable, match="podman is not installed"):
        nowhere.inspect("anything")


def test_an_ordinary_user_without_a_network_program_is_told_which_one(tmp_path: Path) -> None:
    host = {**INFO["host"], "pasta": {"executable": ""}}
    program(tmp_path, "podman", saying({**INFO, "host": host}))

    probe = backend(tmp_path).probe()

    assert not probe.usable
    assert "slirp4netns" in probe.reason


def far(folder: Path, *, client: str, server: str) -> None:
    """Write a podman that works in another machine."""
    info = {**INFO, "host": {**INFO["host"], "serviceIsRemote": True}, "version": {"Version": server}}
    program(folder, "podman", f'[ "$1" != --version ] || {{ echo "podman version {client}"; exit; }}\n{saying(info)}')


@pytest.mark.parametrize(
    ("client", "server", "sent"),
    [("5.6.0", "5.8.1", True), ("5.5.2", "5.8.1", False), ("5.8.1", "5.5.2", False), ("", "5.8.1", False)],
)
def test_podman_in_another_machine_is_sent_folders_where_both_sides_can(
    tmp_path: Path, client: str, server: str, *, sent: bool
) -> None:
    far(tmp_path, client=client, server=server)

    probe = backend(tmp_path).probe()

    assert (Capability.BIND_MOUNT in probe.capabilities) is sent
    assert (Capability.REPRODUCIBLE in probe.capabilities) is sent
    assert Capability.SSH_MOUNT not in probe.capabilities


def test_podman_in_another_machine_takes_no_bind_mounts(tmp_path: Path) -> None:
    far(tmp_path, client="5.2.1", server="5.2.1")

    probe = backend(tmp_path).probe()

    assert probe.usable
    assert "in another machine" in probe.reason
    assert Capability.BIND_MOUNT not in probe.capabilities
    assert Capability.SSH_MOUNT not in probe.capabilities
    assert Capability.SECRET_MOUNT in probe.capabilities


@pytest.mark.parametrize(
    ("version", "dialect"),
    [
        ("1.23.0", Dialect(mounts=True, prefixes=True, bare_workdirs=True)),
        ("1.28.2", attrs.evolve(EARLY_BUILDKIT, bare_workdirs=True)),
        ("1.33.7", Dialect(mounts=True, heredocs=True, bare_workdirs=True)),
        ("1.41.0-dev", attrs.evolve(MODERN, bare_workdirs=True)),
    ],
)
def test_the_dialect_follows_from_buildahs_version(version: str, dialect: Dialect) -> None:
    assert attrs.evolve(BUILDAH, builder_version=version).dialect == dialect


@pytest.mark.parametrize(("version", "shares"), [("1.28.2", False), ("1.29.0", True)])
def test_caches_are_shared_by_who_finds_what_is_behind_a_variable(version: str, *, shares: bool) -> None:
    assert attrs.evolve(BUILDAH, builder_version=version).shares_caches is shares


def test_podman_in_another_machine_gets_one_folder() -> None:
    assert REMOTE.dialect.prefixes


def backend(folder: Path) -> PodmanBackend:
    return PodmanBackend(Settings.from_environ({"PATH": f"{folder}:{SYSTEM}", "HOME": str(folder)}))
