"""Finding a BuildKit server, and understanding what it says about itself."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from cog_backends.buildkit.address import Server, find_server
from cog_backends.buildkit.backend import BuildkitBackend
from cog_backends.buildkit.facts import is_old, read_workers, reason
from cog_backends.buildkit.fixes import install
from cog_core.errors import BackendUnavailable
from cog_core.ir import Capability
from cog_core.settings import Settings
from cog_core.values import Platform

if TYPE_CHECKING:
    from pathlib import Path

WORKERS = [
    {
        "id": "one",
        "platforms": [{"architecture": "amd64", "os": "linux"}, {"architecture": "arm64", "os": "linux"}],
        "buildkitVersion": {"package": "github.com/moby/buildkit", "version": "v0.25.1", "revision": "abc"},
    }
]


def settings(folder: Path, **environ: str) -> Settings:
    return Settings.from_environ({"HOME": str(folder), "PATH": str(folder / "bin"), **environ})


def program(folder: Path, body: str) -> None:
    """Put a ``buildctl`` of our own on the path."""
    (folder / "bin").mkdir(exist_ok=True)
    path = folder / "bin" / "buildctl"
    path.write_text(
        f'#!/bin/sh\ncase "$*" in *--version*) echo "buildctl x ${{V:-v0.25.1}} y"; exit;; esac\n{body}\n'
    )
    path.chmod(0o755)


def test_the_address_of_the_environment_wins(tmp_path):
    found = find_server(
        settings(tmp_path, BUILDKIT_HOST="tcp://b:1234", COG_BUILDKIT_TLS_DIR="/c", COG_BUILDKIT_TLS_SERVER_NAME="bk")
    )

    assert found == Server("tcp://b:1234", "/c", "bk")
    assert found.argv("debug", "info") == (
        *("buildctl", "--addr", "tcp://b:1234", "--tlsdir", "/c", "--tlsservername", "bk"),
        *("debug", "info"),
    )


def test_the_socket_of_a_rootless_server_is_found(tmp_path):
    socket = tmp_path / "buildkit" / "buildkitd.sock"
    socket.parent.mkdir()
    socket.touch()

    found = find_server(settings(tmp_path, XDG_RUNTIME_DIR=str(tmp_path)), rootful=tmp_path / "none")

    assert found.address == f"unix://{socket}"


def test_without_any_sign_of_a_server_both_places_are_named(tmp_path):
    with pytest.raises(BackendUnavailable, match="BUILDKIT_HOST is not set") as caught:
        find_server(settings(tmp_path, XDG_RUNTIME_DIR=str(tmp_path)), rootful=tmp_path / "none")

    assert str(tmp_path / "none") in caught.value.message
    assert "buildkit/buildkitd.sock" in caught.value.message


def test_workers_are_read():
    facts = read_workers(json.dumps(WORKERS))

    assert (facts.version, facts.workers, facts.names) == ("0.25.1", 1, "linux/amd64, linux/arm64")
    assert facts.builds_for(Platform("linux", "arm64", "v8"))
    assert not facts.builds_for(Platform("linux", "riscv64"))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[1]", '[{"platforms": 3}]', "nothing"])
def test_an_answer_of_another_form_is_refused(text):
    with pytest.raises(BackendUnavailable, match="does not say"):
        read_workers(text)


@pytest.mark.parametrize(
    ("version", "old"),
    [("0.12.5", True), ("0.13.0", False), ("0.25.1", False), ("1.0.0", False), ("0.0.0+unknown", False), ("", False)],
)
def test_old_versions_are_told_by_number(version, old):
    assert is_old(version) is old


def test_a_reason_is_the_last_layer_of_what_buildctl_says():
    layers = 'failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: '
    said = f'{{"vertexes":[]}}\nerror: {layers}dial unix /x: no such file"\n'

    assert reason(said) == "dial unix /x: no such file"
    assert reason("") == "it gave no reason"


@pytest.mark.parametrize(
    ("program", "printed", "wanted"),
    [
        ("ssh -l u -- h", r"ssh: connect to host h port 22: refused\r\n", "ssh: connect to host h port 22: refused"),
        ("podman exec -i x", r"Error: no container with name \"x\"\n", 'podman: no container with name "x"'),
        ("kubectl exec x", r"E1121 noise\nThe server was refused\n", "kubectl: The server was refused"),
        ("ssh -- h", "", "ssh: exit status 7"),
    ],
)
def test_behind_a_tunnel_it_is_what_the_tunnel_s_program_says(program, printed, wanted):
    ended = f"command [{program} buildctl dial-stdio] has exited with exit status 7, make sure the URL is valid"
    said = f'error: failed to list workers: desc = "error reading server preface: {ended}: stderr={printed}"\n'

    assert reason(said) == wanted


def test_a_machine_without_buildctl_is_told_what_to_install(tmp_path):
    probe = BuildkitBackend(settings(tmp_path, BUILDKIT_HOST="tcp://b:1")).probe()

    assert not probe.usable
    assert "buildctl is not installed" in probe.reason
    assert probe.fix == install()


def test_a_server_that_does_not_answer_is_told_with_its_address(tmp_path):
    program(tmp_path, 'echo "error: dial tcp b:1: refused" >&2; exit 1')

    probe = BuildkitBackend(settings(tmp_path, BUILDKIT_HOST="tcp://b:1")).probe()

    assert not probe.usable
    assert probe.reason == "no BuildKit server answers at tcp://b:1: dial tcp b:1: refused"


def test_a_server_that_wants_certificates_is_told_how_to_get_them(tmp_path):
    program(tmp_path, "echo 'error: error reading server preface: EOF' >&2; exit 1")

    probe = BuildkitBackend(settings(tmp_path, BUILDKIT_HOST="tcp://b:1")).probe()

    assert probe.fix == "export COG_BUILDKIT_TLS_DIR=/a/folder/of/yours"
    assert "ca.pem" in probe.reason


def test_a_server_that_answers_says_what_it_can(tmp_path):
    program(tmp_path, f"echo '{json.dumps(WORKERS)}'")

    probe = BuildkitBackend(settings(tmp_path, BUILDKIT_HOST="tcp://b:1")).probe()

    assert probe.usable
    assert probe.version == "0.25.1"
    assert Capability.OTHER_PLATFORMS in probe.capabilities
    assert Capability.RUN_IMAGES not in probe.capabilities


def test_an_old_server_and_an_old_client_are_not_usable(tmp_path):
    old = [{**WORKERS[0], "buildkitVersion": {"version": "v0.12.5"}}]
    program(tmp_path, f"echo '{json.dumps(old)}'")

    client = BuildkitBackend(settings(tmp_path, BUILDKIT_HOST="tcp://b:1", V="v0.11.0")).probe()
    again = BuildkitBackend(settings(tmp_path, BUILDKIT_HOST="tcp://b:1", V="v0.11.0")).probe()
    server = BuildkitBackend(settings(tmp_path, BUILDKIT_HOST="tcp://b:1")).probe()

    assert "buildctl is 0.11.0, older than 0.13" in client.reason
    assert again.reason == client.reason
    assert "0.12.5, older than 0.13" in server.reason


def test_a_client_that_is_new_enough_is_asked_once(tmp_path):
    def probed() -> list[str]:
        asked = tmp_path / "asked"
        asked.write_text("")
        program(tmp_path, f"echo '{json.dumps(WORKERS)}'")
        file = tmp_path / "bin" / "buildctl"
        file.write_text(file.read_text().replace("#!/bin/sh\n", f'#!/bin/sh\necho "$*" >> {asked}\n'))
        os.utime(file, (mtime, mtime))
        assert BuildkitBackend(settings(tmp_path, BUILDKIT_HOST="tcp://b:1")).probe().usable
        return sorted(line.split()[0] for line in asked.read_text().splitlines())

    mtime = 1_000_000_000
    assert probed() == ["--addr", "--version"]
    assert probed() == ["--addr"]
    mtime += 1  # another program in its place
    assert probed() == ["--addr", "--version"]
