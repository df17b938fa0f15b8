"""Checks of the step ``Write``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cog_core.ir import Copy, Write
from cog_core.testing.contract.copies import ODD_NAMES

if TYPE_CHECKING:
    from cog_core.testing.contract.kit import Kit

CONTENTS: Final = {
    "empty": "",
    "no-newline-at-the-end": "text",
    "newline": "text\n",
    "blank-lines": "\n\n  one\n\ttwo \n\n\n",
    "crlf": "one\r\ntwo\r\n",
    "quotes": 'it\'s "quoted" `here`\n',
    "dollars": "$HOME ${PATH} $$ $(date) \\$x\n",
    "backslashes": "\\ \\\\ \\n a\\\n b\\",
    "end-markers": "EOF\nEOF1\n'EOF'\n<<EOF\n",
    "comments": "# syntax=docker/dockerfile:1\n#!/bin/sh\n# escape=`\n",
    "unicode": "ünïcödé 日本語 🙂\n",
    "controls": "bell \a, escape \x1b[1m, nul \0, form feed \f\n",
    "byte-order-mark": "\ufeffmark\n",
}
"""Texts that come out changed when they pass through a shell, a Dockerfile or an editor."""

_MEGABYTE = 1 << 20
_LONG_LINE = 100_000


class WriteChecks:
    """Content to the byte, modes, owners and names."""

    def test_content_is_written_to_the_byte(self, kit: Kit) -> None:
        """Nothing is added, stripped, expanded or converted."""
        built = kit.build(*(Write(path=f"/kit/{name}", content=text) for name, text in CONTENTS.items()))

        assert built.contents() == {name: text.encode() for name, text in CONTENTS.items()}

    def test_large_content_is_written(self, kit: Kit) -> None:
        """A megabyte of lines, and a line that is longer than some readers of Dockerfiles take."""
        lines = "".join(f"{number:07}\n" for number in range(_MEGABYTE // 8))

        built = kit.build(
            Write(path="/kit/lines", content=lines), Write(path="/kit/line", content="x" * _LONG_LINE + "\n")
        )

        assert built.read("lines") == lines.encode()
        assert built.read("line") == b"x" * _LONG_LINE + b"\n"

    def test_modes_are_exact(self, kit: Kit) -> None:
        """A written file has the mode of its step."""
        modes = {"text": 0o644, "program": 0o755, "private": 0o600, "read-only": 0o444}

        built = kit.build(*(Write(path=f"/kit/{name}", content="x\n", mode=mode) for name, mode in modes.items()))

        assert {name: node.mode for name, node in built.nodes().items()} == modes

    def test_written_files_belong_to_root(self, kit: Kit) -> None:
        """The folders above them too."""
        built = kit.build(Write(path="/kit/deep/er/a", content="a\n"), Write(path="/kit/deep/er/b", content="b"))

        assert {(node.uid, node.gid) for node in built.nodes().values()} == {(0, 0)}

    def test_odd_paths_are_written(self, kit: Kit) -> None:
        """Every name that a file can have in a project, with and without a newline at the end of the content."""
        built = kit.build(
            *(Write(path=f"/kit/a/{name}", content="a\n") for name in ODD_NAMES),
            *(Write(path=f"/kit/b/{name}", content="b") for name in ODD_NAMES),
        )

        assert built.contents("a") == dict.fromkeys(ODD_NAMES, b"a\n")
        assert built.contents("b") == dict.fromkeys(ODD_NAMES, b"b")

    def test_the_last_step_wins(self, kit: Kit) -> None:
        """Steps are done in their order."""
        kit.put("copied", "copied")

        built = kit.build(
            Write(path="/kit/a", content="written"),
            Copy(source="copied", target="/kit/a"),
            Copy(source="copied", target="/kit/b"),
            Write(path="/kit/b", content="written"),
        )

        assert built.contents() == {"a": b"copied", "b": b"written"}
