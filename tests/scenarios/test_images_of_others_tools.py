"""Strangers use what was built: docker, podman and skopeo know nothing of us."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import hello
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.timeout(300), pytest.mark.engine("debian", "index", "docker", "podman", "skopeo")]


@pytest.fixture
def image(project: Path, shared_cog_cache: Path) -> Path:
    hello(project)
    Program(project).well(
        "build", "--backend", "oci", "--tag", project.name, "--output", f"docker-archive:{project}/image.tar",
        "--output", f"oci:{project}/layout",
    )  # fmt: skip
    return project


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_the_image_serves_under_a_plain_run(image: Path, engine: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(f"{engine}_engine")
    call(engine, "load", "--input", str(image / "image.tar"))
    try:
        with serving(engine, image.name) as address:
            answer = predict(address, {"text": "world"})
            assert (answer["status"], answer["output"]) == ("succeeded", "hello world")
    finally:
        call(engine, "image", "rm", "--force", image.name)


def test_skopeo_reads_the_layout(image: Path) -> None:
    seen = json.loads(call("skopeo", "inspect", f"oci:{image}/layout"))

    assert seen["Labels"]["run.cog.version"]
    assert seen["Architecture"] in {"amd64", "arm64"}
    assert call("skopeo", "copy", "--quiet", f"oci:{image}/layout", f"dir:{image}/copy") == ""


def test_an_idle_server_stops_within_a_second_of_sigterm(
    image: Path, docker_engine: object, request: pytest.FixtureRequest
) -> None:
    call("docker", "load", "--input", str(image / "image.tar"))
    try:
        with serving("docker", image.name):
            name = call("docker", "ps", "--quiet", "--filter", f"ancestor={image.name}").strip()
            started = time.monotonic()
            call("docker", "stop", "--time", "10", name)
            assert time.monotonic() - started < 5, "not killed after its grace time"
    finally:
        call("docker", "image", "rm", "--force", image.name)


@contextmanager
def serving(engine: str, name: str) -> Iterator[str]:
    # The engine chooses the port: one that was free a moment ago may be somebody else's by now.
    container = call(engine, "run", "--detach", "--rm", "--publish", "127.0.0.1::5000", name).strip()
    try:
        address = "http://" + call(engine, "port", container, "5000/tcp").split()[0]
        wait_until_ready(address)
        yield address
    finally:
        subprocess.run([engine, "rm", "--force", container], capture_output=True, check=False)


def wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/health-check", timeout=2) as response:
                if json.load(response)["status"] == "READY":
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("the server did not become ready")


def predict(address: str, given: dict[str, str]) -> dict[str, str]:
    data = json.dumps({"input": given}).encode()
    request = urllib.request.Request(f"{address}/predictions", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, str] = json.load(response)
    return answer


def call(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


@pytest.mark.parametrize("backend_name", ["oci", "docker"])
def test_a_layout_in_a_folder_is_run_as_it_is(image: Path, backend_name: str, docker_engine: object) -> None:
    cog = Program(image, ("--backend", backend_name))

    done = cog.well("run", "./layout", "-i", "text=folder")

    assert done.out.strip() == "hello folder"
    names = call("docker", "image", "ls", "--quiet", "cog-layout").split()
    for name in names:
        call("docker", "image", "rm", "--force", name)
