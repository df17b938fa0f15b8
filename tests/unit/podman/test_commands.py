"""Command lines of buildah and podman."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_backends.podman.commands import (
    BuildOptions,
    build_argv,
    create_argv,
    environment_words,
    gpu_devices,
    plain_http,
    repositories,
)
from cog_core.backend import Bind, RunRequest
from cog_core.caches import Cache
from cog_core.errors import BackendError, UnsupportedPlan
from tests.unit.podman.kit import BUILDAH, REMOTE, SELINUX

if TYPE_CHECKING:
    from tests.support.golden import Golden

PLAIN = BuildOptions(
    dockerfile=Path("/w/Dockerfile"),
    ignore_file=Path("/w/Dockerfile.dockerignore"),
    context=Path("/project"),
    base="docker.io/library/python:3.12-slim",
    created=315_619_200,
    tags=("cog-hello",),
)
FULL = attrs.evolve(
    PLAIN,
    base="localhost:5000/team/base:1",
    platform="linux/arm64",
    tags=("one", "registry.example.com/two:2"),
    contexts={"files": Path("/w/files"), "runtime": Path("/cache/runtime")},
    secrets={"token": Path("/w/secrets/token")},
    ssh={"default": Path("/run/user/1000/agent"), "work": Path("/a=b/agent")},
    arguments=(("COG_LABEL_1f", "first\nsecond"),),
    no_cache=True,
    pull=True,
    cache_from=("localhost:5000/team/cache",),
    cache_to=("registry.example.com/team/cache",),
)
SERVE = RunRequest(reference="cog-hello", ports=(("127.0.0.1:0", 5000),), gpus="auto", serves=True)
SHELL = RunRequest(
    reference="cog-hello",
    command=("python", "-c", "print('hi')"),
    binds=(Bind(source=Path("/project"), target="/src"), Bind(source=Path("/a:b"), target="/data", read_only=True)),
    ports=(("[::1]:8080", 5000),),
    interactive=True,
)


@pytest.mark.parametrize(
    ("name", "tools", "options"),
    [("plain", BUILDAH, PLAIN), ("full", BUILDAH, FULL), ("remote", REMOTE, PLAIN), ("selinux", SELINUX, PLAIN)],
)
def test_the_command_line_of_a_build_follows_from_what_is_asked(name, tools, options, golden: Golden) -> None:
    golden(f"podman/build-{name}.argv", lines(build_argv(tools, options)))


@pytest.mark.parametrize(
    ("name", "tools", "request_"),
    [("serve", BUILDAH, SERVE), ("shell", BUILDAH, SHELL), ("selinux", SELINUX, SHELL)],
)
def test_the_command_line_of_a_container_follows_from_what_is_asked(name, tools, request_, golden: Golden) -> None:
    devices = ("nvidia.com/gpu=all",) if request_.gpus else ()
    argv = create_argv(
        tools, request_, name="cog-1", environment=("TOKEN",), devices=devices, terminal=request_.interactive
    )

    golden(f"podman/create-{name}.argv", lines(argv))


def test_values_stay_out_of_the_list_of_processes_unless_podman_itself_would_take_them() -> None:
    wanted = {"TOKEN": "secret", "PATH": "/model/bin", "HOME": "/root", "https_proxy": "http://p", "KNOWN": "new"}

    words, environ = environment_words(wanted, {"PATH": "/usr/bin", "KNOWN": "old"})

    assert words == ("TOKEN", "PATH=/model/bin", "HOME=/root", "https_proxy=http://p", "KNOWN=new")
    assert environ == {"PATH": "/usr/bin", "KNOWN": "old", "TOKEN": "secret"}


@pytest.mark.parametrize(
    ("asked", "available", "devices"),
    [
        (None, True, ()),
        ("auto", False, ()),
        ("auto", True, ("nvidia.com/gpu=all",)),
        ("all", True, ("nvidia.com/gpu=all",)),
        ("2", True, ("nvidia.com/gpu=0", "nvidia.com/gpu=1")),
        ("device=1,3", True, ("nvidia.com/gpu=1", "nvidia.com/gpu=3")),
    ],
)
def test_gpus_are_asked_for_by_their_cdi_names(asked, available, devices) -> None:
    assert gpu_devices(asked, available=available) == devices


def test_gpus_that_are_not_there_are_refused_with_the_command_that_describes_them() -> None:
    with pytest.raises(BackendError) as caught:
        gpu_devices("all", available=False)

    assert "nvidia-ctk cdi generate" in (caught.value.hint or "")


def test_caches_are_repositories_whose_tags_buildah_chooses() -> None:
    caches = [Cache.parse("localhost:5000/team/cache:x"), Cache.parse("type=registry,ref=team/cache")]

    assert repositories(caches) == ("localhost:5000/team/cache", "docker.io/team/cache")


def test_a_cache_in_no_registry_is_refused() -> None:
    with pytest.raises(UnsupportedPlan, match="not by type=local"):
        repositories([Cache.parse("type=local,src=/cache")])


@pytest.mark.parametrize("name", ["localhost:5000/a", "127.0.0.1:5000/a:1", "127.9.9.9/a"])
def test_a_registry_on_this_machine_needs_no_certificate(name: str) -> None:
    assert plain_http(name) == ("--tls-verify=false",)


@pytest.mark.parametrize("name", ["python:3.12-slim", "registry.example.com/a", "scratch", "Not A Name"])
def test_every_other_registry_does(name: str) -> None:
    assert plain_http(name) == ()


def lines(argv: tuple[str, ...]) -> str:
    return "".join(f"{shlex.quote(word)}\n" for word in argv)
