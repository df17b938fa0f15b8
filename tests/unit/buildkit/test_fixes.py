"""What is said to make a server usable: one command, and none where nobody knows one."""

from __future__ import annotations

import shlex
import sys

import pytest

from cog_backends.buildkit import fixes

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the server runs on Linux")

STARTS = ("buildkitd", "rootlesskit", "sudo")


def program(folder, name):
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return {"PATH": str(folder)}


def test_a_server_that_is_installed_is_started(tmp_path):
    command = fixes.start(program(tmp_path, "buildkitd"), "unix:///tmp/a b.sock")

    assert "--addr 'unix:///tmp/a b.sock'" in command
    assert shlex.split(command)[0] in STARTS


def test_without_one_it_is_installed_first(tmp_path):
    command = fixes.start({"PATH": str(tmp_path)})

    first, _, second = command.partition(" && ")
    assert first == fixes.install()
    assert shlex.split(second)[0] in STARTS


@pytest.mark.parametrize(
    ("address", "said", "command"),
    [
        ("unix:///run/b.sock", "connect: permission denied", "sudo chgrp $(id -g) /run/b.sock"),
        ("tcp://b:1", "connection refused", fixes.NAME_ONE),
        ("tcp://b:1", "x509: unknown authority", "export COG_BUILDKIT_TLS_DIR=/a/folder/of/yours"),
        ("b:1", "no such thing", fixes.NAME_ONE),
        (
            "ssh://u@h:22",
            "error reading server preface: u@h: Permission denied (publickey).",
            "ssh-copy-id -p 22 u@h",
        ),
        ("ssh://h", "Host key verification failed.", "ssh h"),
        ("ssh://h", "error reading server preface: connection refused", None),
        ("docker-container://x", "No such container: x", "docker run --detach --privileged --name x {image}"),
        ("podman-container://x", "no container with name or ID", "podman run --detach --privileged --name x {image}"),
        ("docker-container://x", "container x is not running", "docker start x"),
        ("podman-container://x", "container state improper", "podman start x"),
        ("docker-container://x", "Cannot connect to the Docker daemon", None),
        ("kube-pod://x", "error reading server preface", None),
    ],
)
def test_each_kind_of_address_has_its_own(address, said, command):
    wanted = command and command.format(image="docker.io/moby/buildkit")

    assert fixes.reach(address, said, {"PATH": ""}) == wanted


def test_an_error_says_to_try_it():
    assert fixes.NotUsable("no", fix="ssh h").hint == "Try `ssh h`."
    assert fixes.NotUsable("no").hint is None
