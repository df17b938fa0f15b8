"""What makes an engine usable, by what is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cog_backends.docker.plugin import cog_backends
from cog_backends.docker.remedies import GROUP, PAGE, remedy
from cog_core.engine_advice import sudo, way
from cog_core.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

NO_SOCKET = "no Docker engine answers: its socket is not there"


def _remedy(root: Path, reason: str = NO_SOCKET, *, system: str = "linux", **environ: str) -> str | None:
    settings = Settings.from_environ({"HOME": str(root), "PATH": str(root / "bin"), **environ})
    return remedy(reason, settings, root=root, system=system)


def _program(root: Path, name: str) -> None:
    file = root / "bin" / name
    file.parent.mkdir(exist_ok=True)
    file.touch(0o755)


def test_what_is_not_installed_is_installed(tmp_path: Path) -> None:
    assert _remedy(tmp_path) == PAGE
    _program(tmp_path, "apt-get")
    assert _remedy(tmp_path) == f"{sudo()}apt-get install docker.io"


def test_what_is_installed_is_started_by_what_starts_services_here(tmp_path: Path) -> None:
    _program(tmp_path, "dockerd")
    _program(tmp_path, "apt-get")
    assert _remedy(tmp_path) == f"{sudo()}sh -c 'dockerd &'"

    _program(tmp_path, "service")
    (tmp_path / "etc/init.d").mkdir(parents=True)
    (tmp_path / "etc/init.d/docker").touch()
    assert _remedy(tmp_path) == f"{sudo()}service docker start"

    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert _remedy(tmp_path) == f"{sudo()}systemctl start docker"


@pytest.mark.parametrize(("program", "command"), [("colima", "colima start"), ("orb", "orb start")])
def test_on_a_mac_it_is_the_program_that_is_there(tmp_path: Path, program: str, command: str) -> None:
    assert _remedy(tmp_path, system="darwin") == PAGE
    _program(tmp_path, "brew")
    assert _remedy(tmp_path, system="darwin") == "brew install colima docker && colima start"
    _program(tmp_path, program)
    assert _remedy(tmp_path, system="darwin") == command
    (tmp_path / "Applications/Docker.app").mkdir(parents=True)
    assert _remedy(tmp_path, system="darwin") == "open -a Docker"


@pytest.mark.parametrize(
    ("host", "command"),
    [
        ("unix:///home/me/.colima/default/docker.sock", "colima start"),
        ("unix:///home/me/.orbstack/run/docker.sock", "orb start"),
        ("unix:///home/me/.docker/desktop/docker.sock", "systemctl --user start docker-desktop"),
        ("unix:///run/user/1000/docker.sock", "systemctl --user start docker"),
        ("ssh://me@far:2222", "ssh -p 2222 me@far sudo systemctl start docker"),
        ("ssh://root@far", "ssh root@far systemctl start docker"),
        ("tcp://10.1.2.3:2376", "ssh 10.1.2.3 sudo systemctl start docker"),
        ("tcp://127.0.0.1:2375", "unset DOCKER_HOST"),
    ],
)
def test_the_address_tells_whose_engine_it_is(tmp_path: Path, host: str, command: str) -> None:
    reason = "no Docker engine answers: the connection was refused"

    assert _remedy(tmp_path, reason, DOCKER_HOST=host) == command


def test_a_name_that_nobody_knows_leads_back_to_this_machine(tmp_path: Path) -> None:
    reason = "no Docker engine answers at tcp://far:1: its name is not known"
    context = tmp_path / ".docker"
    context.mkdir()
    (context / "config.json").write_text(json.dumps({"currentContext": "gone"}))

    assert _remedy(tmp_path, reason, DOCKER_HOST="tcp://far:1") == "unset DOCKER_HOST"
    assert _remedy(tmp_path, reason, DOCKER_CONTEXT="far") == "unset DOCKER_CONTEXT"
    assert _remedy(tmp_path, "there is no Docker context 'gone'") == "docker context use default"


def test_permission_certificates_and_libraries_have_commands_of_their_own(tmp_path: Path) -> None:
    assert _remedy(tmp_path, "no Docker engine answers: you may not open its socket") == f"{sudo()}{GROUP}"
    assert (_remedy(tmp_path, "its certificate is not signed") or "").startswith("export DOCKER_CERT_PATH=")
    assert _remedy(tmp_path, "ssh:// needs the Python package paramiko") == "pip install paramiko"


def test_a_probe_tells_the_remedy_and_where_nobody_answers(tmp_path: Path) -> None:
    (info,) = cog_backends()
    environ = {"HOME": str(tmp_path), "PATH": "/bin", "DOCKER_HOST": "tcp://127.0.0.1:1", "NO_PROXY": "*"}

    probe = info.load(Settings.from_environ(environ)).probe()

    assert probe.reason == "no Docker engine answers at tcp://127.0.0.1:1: the connection was refused"
    assert probe.fix == "unset DOCKER_HOST"


def test_a_sentence_tells_commands_from_addresses() -> None:
    assert way("colima start") == "Try `colima start`"
    assert way(PAGE) == f"See {PAGE}"
