"""A team builds on a BuildKit server: no Docker, and the image goes into the store, a folder or a registry."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import example, hello

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engines.bases import BaseImage
    from tests.engines.buildkit import BuildkitAccess
    from tests.engines.registry import RunningRegistry
    from tests.support.program import Program

pytestmark = [pytest.mark.engine("buildkit", "index"), pytest.mark.slow, pytest.mark.timeout(600)]

SECRET = "correct-horse-battery-staple"


@pytest.fixture
def base(python_base: Callable[[str], BaseImage]) -> BaseImage:
    return python_base("3.11")


@pytest.fixture
def backend(
    buildkit_engine: BuildkitAccess,
    base: BaseImage,
    ca_bundle: Path | None,
    shared_cog_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Let commands use the server, with a base that lies here: it travels to the server with the build."""
    monkeypatch.setenv("COG_BASE_IMAGE", f"oci:{base.layout}:3.11-slim")
    if ca_bundle:
        monkeypatch.setenv("COG_CA_CERT", str(ca_bundle))
    return "buildkit"


@pytest.mark.engine("userns")
def test_what_it_builds_is_run_and_inspected_without_an_engine(cog: Program, project: Path) -> None:
    hello(project)

    cog.well("build", "-t", f"{project.name}:1")

    seen = json.loads(cog.well("inspect", "--json", f"{project.name}:1").out)
    assert seen["labels"]["run.cog.version"]
    answer = cog.well("run", "--backend", "oci", f"{project.name}:1", "-i", "text=world")
    assert answer.out.strip() == "hello world"


def test_running_is_refused_and_says_who_can(cog: Program, project: Path) -> None:
    hello(project)
    cog.well("build", "-t", f"{project.name}:1")

    for target in ((f"{project.name}:1",), ()):
        refused = cog("run", *target, "-i", "text=world")
        assert refused.code == 5
        # Which one it is depends on what else runs on this machine.
        assert re.search("Use --backend (docker|podman|oci)", refused.err)


@pytest.mark.engine("skopeo")
def test_strangers_read_its_layout_and_its_archive(cog: Program, project: Path, tmp_path: Path) -> None:
    example("digits", project)
    layout, archive = tmp_path / "layout", tmp_path / "image.tar"

    cog.well("build", "--output", f"oci:{layout}", "--output", f"docker-archive:{archive}")

    ids = {config(f"oci:{layout}"), config(f"docker-archive:{archive}")}
    assert len(ids) == 1
    labels = json.loads(ids.pop())["config"]["Labels"]
    assert "numpy==" in labels["run.cog.pip_freeze"]
    assert "\n" in labels["run.cog.pip_freeze"]


def test_two_builds_of_everything_give_one_digest(cog: Program, project: Path, tmp_path: Path) -> None:
    example("digits", project)
    elsewhere = cog.within(example("digits", tmp_path / "other"), COG_CACHE_DIR=str(tmp_path / "cache"))

    digests = {digest(cog, "one:1"), digest(elsewhere, "one:1")}

    assert len(digests) == 1


def digest(program: Program, tag: str) -> str:
    program.well("build", "--no-cache", "--tag", tag)
    return str(json.loads(program.well("inspect", "--json", tag).out)["digest"])


@pytest.mark.engine("registry", "skopeo")
def test_the_server_pushes_the_image_itself(
    cog: Program, project: Path, oci_registry: RunningRegistry, tmp_path: Path
) -> None:
    hello(project)
    cache = tmp_path / "cache"
    name = f"{oci_registry.address}/team/{project.name}"

    done = cog.within(project, COG_CACHE_DIR=str(cache)).well(
        "build", "--output", f"registry:{name}:1", "--output", f"registry:{name}:2"
    )

    assert skopeo("inspect", f"docker://{name}:1") == skopeo("inspect", f"docker://{name}:2")
    assert skopeo("inspect", f"docker://{name}:1")["Labels"]["run.cog.config"]
    manifest = skopeo("inspect", "--raw", f"docker://{name}:1")
    assert manifest["config"]["digest"] in done.err
    assert not list((cache / "images" / "blobs" / "sha256").glob("*"))


@pytest.mark.engine("registry", "skopeo")
def test_what_is_built_is_pushed_later(cog: Program, project: Path, oci_registry: RunningRegistry) -> None:
    hello(project)
    name = f"{oci_registry.address}/team/{project.name}:1"

    cog.well("push", name)

    assert skopeo("inspect", f"docker://{name}")["Labels"]["run.cog.config"]


def test_a_registry_that_cannot_be_reached_is_an_error_of_the_registry(cog: Program, project: Path) -> None:
    hello(project)

    refused = cog("build", "--output", "registry:127.0.0.1:1/nobody/is:here")

    assert refused.code == 6
    assert "cannot push" in refused.err


def test_a_secret_is_in_no_layer_no_history_and_no_log(cog: Program, project: Path, tmp_path: Path) -> None:
    hello(project)
    (project / "cog.yaml").write_text(
        'build:\n  python_version: "3.11"\n  run:\n'
        "    - command: test -s /run/secrets/token && echo it is there\n"
        "      mounts:\n        - type: secret\n          id: token\n          target: /run/secrets/token\n"
        'run: "run.py:Runner"\n',
        "utf-8",
    )
    token = tmp_path / "token"
    token.write_text(SECRET, "ascii")
    layout = tmp_path / "layout"

    done = cog.well("build", "--no-cache", "--secret", f"id=token,src={token}", "--output", f"oci:{layout}")

    assert "it is there" in done.err
    assert SECRET not in done.err + done.out
    for blob in (layout / "blobs" / "sha256").iterdir():
        assert SECRET.encode() not in blob.read_bytes()


def test_a_failing_command_leads_to_its_line(cog: Program, project: Path, shared_cog_cache: Path) -> None:
    hello(project)
    (project / "cog.yaml").write_text(
        'build:\n  python_version: "3.11"\n  run:\n    - "true"\n    - echo too bad && exit 3\n'
        'run: "run.py:Runner"\n',
        "utf-8",
    )

    failed = cog("build")

    assert failed.code == 5
    assert "exit status 3" in failed.err
    assert "cog.yaml:5" in failed.err
    assert "| too bad" in failed.err
    assert leftovers(shared_cog_cache) == []


def test_an_interrupt_ends_the_build_on_the_server_too(cog: Program, project: Path, shared_cog_cache: Path) -> None:
    hello(project)
    sleeping = sleeper(project, 271)

    with cog.start("build", "--progress", "plain") as building:
        building.wait_for(" waiting")
        code = building.end()

    assert code == 130
    assert leftovers(shared_cog_cache) == []
    assert gone(sleeping)


def test_a_server_that_goes_away_is_named(
    cog: Program, project: Path, buildkit_engine: BuildkitAccess, tmp_path: Path, shared_cog_cache: Path
) -> None:
    hello(project)
    sleeping = sleeper(project, 272)

    with daemon(buildkit_engine, tmp_path / "daemon") as (process, address):
        with cog.within(project, BUILDKIT_HOST=address).start("build", "--progress", "plain") as building:
            building.wait_for(" waiting")
            process.kill()
            code = building.process.wait(60)
        for pid in running(sleeping):  # a server that is killed may not take its command along
            os.kill(pid, signal.SIGKILL)

    said = "".join(building.lines)
    assert code == 5
    assert f"{address} went away during the build" in said
    assert leftovers(shared_cog_cache) == []


def test_a_base_in_an_archive_travels_too(cog: Program, project: Path, base: BaseImage, tmp_path: Path) -> None:
    hello(project)
    archived = cog.within(project, COG_BASE_IMAGE=f"docker-archive:{base.archive}")

    ids = set()
    for program in (cog, archived):
        program.well("build", "-t", project.name)
        ids.add(json.loads(program.well("inspect", "--json", project.name).out)["image_id"])

    assert len(ids) == 1


def test_the_base_s_own_folder_stays_as_it_is(cog: Program, project: Path, base: BaseImage) -> None:
    before = sorted(path.name for path in base.layout.iterdir())
    hello(project)

    cog.well("build")

    assert sorted(path.name for path in base.layout.iterdir()) == before


def test_a_base_that_cannot_be_had_is_named(cog: Program, project: Path) -> None:
    hello(project)

    failed = cog("build", "--base-image", "127.0.0.1:1/no/base:1")

    assert failed.code == 5
    assert "127.0.0.1:1/no/base:1 cannot be had" in failed.err
    assert "oci:DIR" in failed.err


def sleeper(project: Path, seconds: int) -> str:
    """Let a project's build wait, and return the command line to look for."""
    (project / "cog.yaml").write_text(
        f'build:\n  python_version: "3.11"\n  run:\n    - echo waiting && sleep {seconds}\nrun: "run.py:Runner"\n',
        "utf-8",
    )
    return f"^sleep {seconds}$"


def running(pattern: str) -> list[int]:
    found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def gone(pattern: str, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not running(pattern):
            return True
        time.sleep(0.1)
    return False


@contextmanager
def daemon(access: BuildkitAccess, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a server of the test's own."""
    folder.mkdir()
    address = f"unix://{folder}/b.sock"
    argv = [access.buildctl.with_name("buildkitd"), "--root", folder / "root", "--addr", address]
    argv += ["--oci-worker=true", "--containerd-worker=false"]
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(folder)}
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL, env=environ) as process:
        try:
            ask = [access.buildctl, "--addr", address, "--wait", "debug", "workers"]
            subprocess.run(ask, check=True, capture_output=True, timeout=60)
            yield process, address
        finally:
            process.kill()
            process.wait()
            for mount in reversed(mounts(folder)):
                subprocess.run(["umount", mount], check=True)


def mounts(folder: Path) -> list[str]:
    """Return what is mounted below a folder, lower ones first; a server that is killed leaves its mounts behind."""
    places = (line.split()[1] for line in Path("/proc/self/mounts").read_text("utf-8").splitlines())
    return [place for place in places if place.startswith(f"{folder}/")]


def config(image: str) -> str:
    command = ["skopeo", "inspect", "--config", "--raw", image]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def skopeo(*words: str) -> dict[str, dict[str, str]]:
    command = ["skopeo", words[0], "--tls-verify=false", *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: dict[str, dict[str, str]] = json.loads(done.stdout)
    return answer


def leftovers(cache: Path) -> list[Path]:
    return list((cache / "tmp").glob("buildkit-*"))
