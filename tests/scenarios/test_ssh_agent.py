"""A command of the build asks the author's SSH agent, as ``git clone`` of a private repository does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engines import ssh_agent
from tests.scenarios.conftest import DOCKER, OCI, PODMAN, hello
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engines.bases import BaseImage

pytestmark = [pytest.mark.engine("sshd"), pytest.mark.timeout(300)]

ASKING = """\
build:
  python_version: "3.11"
  run:
    - command: |
        test -S "$SSH_AUTH_SOCK"
        python3 - <<END
        import os, socket, struct
        agent = socket.socket(socket.AF_UNIX)
        agent.connect(os.environ["SSH_AUTH_SOCK"])
        agent.sendall(struct.pack(">IB", 1, 11))
        answer = agent.makefile("rb")
        print("it says", answer.read(*struct.unpack(">I", answer.read(4))))
        END
      mounts:
        - type: ssh
    - 'test -z "$SSH_AUTH_SOCK" && ! find / -xdev -type s | grep .'
run: "run.py:Runner"
"""
"""It asks for identities; the answer has the keys' comments (SSH agent protocol, draft-miller-ssh-agent, 4.4)."""
ENGINES = pytest.mark.parametrize("backend", [DOCKER, PODMAN], indirect=True)
LINE = "cog.yaml:4"


@pytest.fixture
def agent() -> Iterator[Path]:
    with ssh_agent.serve() as socket:
        yield socket


@pytest.fixture
def asking(project: Path) -> Path:
    hello(project)
    (project / "cog.yaml").write_text(ASKING, "utf-8")
    return project


@ENGINES
def test_a_command_asks_the_agent_and_the_next_one_cannot(cog: Program, asking: Path, agent: Path) -> None:
    asks(cog.within(asking, SSH_AUTH_SOCK=str(agent)), "default")


@ENGINES
def test_an_agent_that_nobody_gives_is_missed_before_anything_is_built(cog: Program, asking: Path) -> None:
    refused = cog("build")

    assert refused.code == 2
    assert "the SSH agent 'default'" in refused.err
    assert "--ssh default" in refused.err
    assert LINE in refused.err


@pytest.mark.parametrize("backend", [OCI], indirect=True)
def test_who_cannot_forward_agents_says_so(cog: Program, asking: Path, agent: Path) -> None:
    refuses(cog, agent)


@pytest.mark.parametrize("backend", [DOCKER], indirect=True)
def test_the_classic_builder_cannot_forward_agents_and_says_so(cog: Program, asking: Path, agent: Path) -> None:
    """Without a command line of Docker's on the path there is only the engine's API."""
    refuses(cog.within(asking, PATH=str(Path(sys.executable).parent)), agent)


@pytest.mark.slow
@pytest.mark.parametrize("backend", [DOCKER], indirect=True)
@pytest.mark.usefixtures("asking")
def test_who_builds_by_hand_gives_the_agent_too(
    cog: Program, agent: Path, docker_cli_debian: Path, ca_bundle: Path | None, tmp_path: Path
) -> None:
    cog.well("debug", "--dialect", "early", "--output", str(tmp_path / "by-hand"), "--image-name", "cog-by-hand")
    script = tmp_path / "by-hand" / "build.sh"
    secret = f"--secret id=cog-ca-cert,src={ca_bundle}" if ca_bundle else ""
    script.write_text(script.read_text("utf-8").replace(" build ", f" build --no-cache {secret} "), "utf-8")

    environ = {
        **os.environ,
        "DOCKER": str(docker_cli_debian),
        "SSH_AUTH_SOCK": str(agent),
        "BUILDKIT_PROGRESS": "plain",
    }
    done = subprocess.run([script], env=environ, capture_output=True, text=True, check=False)
    subprocess.run([docker_cli_debian, "image", "rm", "--force", "cog-by-hand"], capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
    assert ssh_agent.COMMENT in done.stderr


@pytest.mark.slow
@pytest.mark.engine("buildkit", "index")
@pytest.mark.usefixtures("buildkit_engine", "shared_cog_cache")
def test_a_server_s_command_asks_the_agent_of_this_machine(
    asking: Path, agent: Path, python_base: Callable[[str], BaseImage], ca_bundle: Path | None
) -> None:
    base = {"COG_BASE_IMAGE": f"oci:{python_base('3.11').layout}:3.11-slim"}
    trusted = {"COG_CA_CERT": str(ca_bundle)} if ca_bundle else {}

    asks(Program(asking, ("--backend", "buildkit")).within(asking, **base, **trusted), f"default={agent}")


def asks(cog: Program, given: str) -> None:
    done = cog.well("build", "--no-cache", "--ssh", given, "--progress", "plain")

    assert ssh_agent.COMMENT in done.err


def refuses(cog: Program, agent: Path) -> None:
    refused = cog("build", "--ssh", f"default={agent}")

    assert refused.code == 5
    assert "the SSH agent 'default'" in refused.err
    assert LINE in refused.err
