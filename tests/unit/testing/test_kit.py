"""The contract's own habits: what it skips, and the agent that it brings."""

from __future__ import annotations

import socket
import struct
import sys

import attrs
import pytest

from cog_backends.oci.plugin import cog_backends
from cog_core.ir import ImageBase
from cog_core.settings import Settings
from cog_core.testing.contract import Kit, Subject, ssh_agent
from cog_core.testing.contract.configuration import ConfigurationChecks
from cog_core.values import Platform
from tests.contract.small_base import make

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="small bases are made of Linux programs")

OURS = Platform.of_this_machine().architecture


def kit(folder, **subject):
    (info,) = cog_backends()
    settings = attrs.evolve(Settings.from_environ(), cache=folder / "cache")
    backend = info.load(settings)
    return Kit(
        subject=Subject(info=info, settings=settings, **subject),
        backend=backend,
        probe=backend.probe(),
        folder=folder,
        leftovers=frozenset,
        tag="cog-kit",
    )


def base(folder, architecture=OURS):
    folder.mkdir()
    return ImageBase(reference=f"oci:{make(folder, architecture=architecture).layout}")


def test_a_base_for_one_platform_skips_the_check_of_another(tmp_path):
    only = kit(tmp_path, base=base(tmp_path / "base"))

    with pytest.raises(pytest.skip.Exception, match=f"no base for {only.other_platform}.*foreign_base"):
        ConfigurationChecks().test_an_image_for_another_platform_says_so(only)


def test_a_base_that_is_named_for_another_platform_is_used(tmp_path):
    other = "amd64" if OURS == "arm64" else "arm64"
    both = kit(tmp_path, base=base(tmp_path / "base"), foreign_base=base(tmp_path / "other", other))

    ConfigurationChecks().test_an_image_for_another_platform_says_so(both)


def test_the_agent_tells_its_key_and_signs_nothing():
    with ssh_agent.serve() as place, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place))
        with client.makefile("rwb") as talk:
            listed, refused = ask(talk, b"\x0b"), ask(talk, b"\x0d")

    assert listed[0] == 12
    assert ssh_agent.COMMENT.encode() in listed
    assert refused == b"\x05"
    assert not place.exists()


def ask(talk, message):
    talk.write(struct.pack(">I", len(message)) + message)
    talk.flush()
    (size,) = struct.unpack(">I", talk.read(4))
    return talk.read(size)
