"""Checks of an image's configuration: labels, ports, commands, platform."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from cog_core.errors import CogError
from cog_core.ir import Capability, Copy, Env, ImageBase, ImageConfig, Write
from cog_core.values import Platform
from cog_oci import image_config

if TYPE_CHECKING:
    from cog_core.testing.contract.kit import Kit

LABELS: Final = {
    "com.example.plain": "plain",
    "com.example.empty": "",
    "com.example.quotes": 'it\'s "quoted" `here`',
    "com.example.dollars": "$HOME ${PATH} $$ \\$x",
    "com.example.backslashes": "\\ \\\\ \\n \\",
    "com.example.spaces": "  two  spaces, and at the end  ",
    "com.example.unicode": "ünïcödé 日本語 🙂",
    "com.example.lines": "one\ntwo\r\n\n  three\n",
    "com.example.json": json.dumps({"pattern": '^"\\$[a-z]+\\n"$'}, indent=2),
    "com.example/odd name": "value",
}
"""Values that come out changed when a Dockerfile or a shell reads them."""

_ROWS = 1300
_ODD_WORDS = ("a b", "$HOME", 'say "hi"', "it's", "back\\slash", "", "ünï", "line\nbreak")


class ConfigurationChecks:
    """What an image says about itself."""

    def test_labels_are_exact(self, kit: Kit) -> None:
        """Quotes, dollars, backslashes, line breaks, nothing at all."""
        built = kit.build(config=ImageConfig(labels=tuple(sorted(LABELS.items()))))

        assert {name: built.image.labels.get(name) for name in LABELS} == LABELS

    def test_a_label_of_seventy_kilobytes_is_exact(self, kit: Kit) -> None:
        """The schema of a large model; longer than a line that some readers of Dockerfiles take."""
        schema = json.dumps([f'row {number}: "$ref" \\ and more, to make it long enough' for number in range(_ROWS)])
        assert len(schema) > 70_000

        built = kit.build(config=ImageConfig(labels=(("com.example.schema", schema),)))

        assert built.image.labels["com.example.schema"] == schema

    def test_ports_are_exposed(self, kit: Kit) -> None:
        """With their protocol."""
        built = kit.build(config=ImageConfig(ports=("5000/tcp", "9000/udp")))

        assert {"5000/tcp", "9000/udp"} <= set(built.config["ExposedPorts"])

    def test_the_command_is_exact(self, kit: Kit) -> None:
        """A list of words, never given to a shell."""
        built = kit.build(config=ImageConfig(cmd=("/bin/echo", *_ODD_WORDS)))

        assert built.config["Cmd"] == ["/bin/echo", *_ODD_WORDS]

    def test_entry_point_and_command_are_exact(self, kit: Kit) -> None:
        """Both at once; the entry point does not take the command away."""
        built = kit.build(config=ImageConfig(entrypoint=("/bin/echo", *_ODD_WORDS), cmd=("an", "argument")))

        assert (built.config["Entrypoint"], built.config["Cmd"]) == (["/bin/echo", *_ODD_WORDS], ["an", "argument"])

    def test_the_platform_is_recorded(self, kit: Kit) -> None:
        """In the configuration, and in what the backend returns."""
        built = kit.build(Write(path="/kit/a", content="a"))

        found = image_config.platform(built.image.config)
        assert (found.os, found.architecture) == ("linux", Platform.of_this_machine().architecture)
        assert built.info.platform.architecture == found.architecture

    def test_an_image_for_another_platform_says_so(self, kit: Kit) -> None:
        """Nothing of it is run, so that no emulator is needed; the same files come out as for this machine."""
        kit.needs(Capability.OTHER_PLATFORMS)
        _need_base(kit)
        kit.put("file", "content")
        steps = (Copy(target="/kit/src"), Write(path="/kit/a", content="a"), Env(variables=(("A", "b"),)))

        built = kit.build_plan(kit.foreign_plan(*steps))

        assert image_config.platform(built.image.config).architecture == kit.other_platform.architecture
        assert built.info.platform.architecture == kit.other_platform.architecture
        assert built.contents() == {"src/file": b"content", "a": b"a"}
        assert built.environment["A"] == "b"

    def test_the_answer_is_about_the_image(self, kit: Kit) -> None:
        """What ``build`` returns says the same as the layout: id, labels, layers."""
        kit.put("file", "content")

        built = kit.build(Copy(target="/kit"), config=ImageConfig(labels=(("com.example.a", "b"),), cmd=("x",)))

        assert built.info.image_id == str(built.image.image_id)
        assert built.info.labels["com.example.a"] == "b"
        assert tuple(layer.diff_id for layer in built.info.layers) == built.diff_ids


def _need_base(kit: Kit) -> None:
    """Skip the check if the subject names no base for another platform, and its own cannot be had for that."""
    if kit.subject.foreign_base is not None:
        return
    try:
        kit.build_plan(kit.foreign_plan())
    except CogError as error:
        why = error.message.partition("\n")[0]
        if not isinstance(kit.subject.base, ImageBase) and "base image" not in why:
            raise
        pytest.skip(f"the subject has no base for {kit.other_platform}: {why}; give it a foreign_base")
