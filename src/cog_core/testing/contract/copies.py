"""Checks of the step ``Copy``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from cog_core.ir import Copy
from cog_oci.archive_reader import MemberKind

if TYPE_CHECKING:
    from cog_core.testing.contract.kit import Kit

ODD_NAMES: Final = (
    "with two  spaces",
    " leading space",
    "ünïcödé 日本語",
    "-dash",
    "--from=nothing",
    "it's",
    'say "hi"',
    "$HOME",
    "${PATH}",
    "back\\slash",
    "star*",
    "[ab]",
    "what?",
    "#hash",
    "!bang",
    "semi;colon & more",
    "%41",
)
"""File names that shells, Dockerfiles, patterns and option parsers read something else into."""


class CopyChecks:
    """Files, folders, links, modes, owners and names."""

    def test_a_file_is_copied_to_its_path(self, kit: Kit) -> None:
        """The target of a file is the file's own path, and folders above it are made."""
        kit.put("greeting.txt", "hello")

        built = kit.build(Copy(source="greeting.txt", target="/kit/a/b/renamed.txt"))

        assert built.contents() == {"a/b/renamed.txt": b"hello"}

    def test_a_folder_s_content_goes_into_the_target(self, kit: Kit) -> None:
        """The target of a folder is a folder with the same content, not one more level."""
        kit.put("data/one", "1")
        kit.put("data/deep/er/two", "2")
        kit.put("other", "no")

        built = kit.build(Copy(source="data", target="/kit/target"))

        assert built.contents() == {"target/one": b"1", "target/deep/er/two": b"2"}

    def test_the_whole_project_is_copied(self, kit: Kit) -> None:
        """``.`` stands for all of the context, hidden files included."""
        kit.put("one", "1")
        kit.put(".hidden", "h")
        kit.put("deep/two", "2")

        built = kit.build(Copy(target="/kit/src"))

        assert built.contents("src") == {"one": b"1", ".hidden": b"h", "deep/two": b"2"}

    def test_a_later_copy_joins_an_earlier_one(self, kit: Kit) -> None:
        """Two copies into one folder add up, and the later one wins."""
        kit.put("first/a", "old")
        kit.put("first/b", "kept")
        kit.put("second/a", "new")

        built = kit.build(Copy(source="first", target="/kit/x"), Copy(source="second", target="/kit/x"))

        assert built.contents("x") == {"a": b"new", "b": b"kept"}

    def test_links_are_copied_as_links(self, kit: Kit) -> None:
        """A link keeps its text, whether it leads somewhere or not, and is not followed."""
        kit.put("src/file", "content")
        links = {"relative": "file", "absolute": "/etc/hostname", "up": "../elsewhere", "broken": "no/such/file"}
        for name, target in links.items():
            (kit.project / "src" / name).symlink_to(target)
        (kit.project / "src" / "folder").symlink_to(".")

        built = kit.build(Copy(source="src", target="/kit/src"))

        found = {name: node.target for name, node in built.nodes("src").items() if node.kind is MemberKind.SYMLINK}
        assert found == {**links, "folder": "."}

    def test_an_empty_folder_is_copied(self, kit: Kit) -> None:
        """Folders without files are part of a context."""
        (kit.project / "src" / "empty" / "deeper").mkdir(parents=True)

        built = kit.build(Copy(source="src", target="/kit/src"))

        assert {name: node.kind for name, node in built.nodes("src").items()} == {
            "empty": MemberKind.FOLDER,
            "empty/deeper": MemberKind.FOLDER,
        }

    def test_odd_names_survive_in_a_folder(self, kit: Kit) -> None:
        """Names are bytes: nothing in them is a pattern, a variable, an option or a comment."""
        for name in ODD_NAMES:
            kit.put(f"odd/{name}/{name}", name)

        built = kit.build(Copy(source="odd", target="/kit/odd"))

        assert built.contents("odd") == {f"{name}/{name}": name.encode() for name in ODD_NAMES}

    def test_odd_names_can_be_copied_by_name(self, kit: Kit) -> None:
        """The same names as source and target of a step; nothing that a pattern would match comes along."""
        for name in (*ODD_NAMES, "stare", "a", "whats"):
            kit.put(name, name)

        built = kit.build(*(Copy(source=name, target=f"/kit/{name}") for name in ODD_NAMES))

        assert built.contents() == {name: name.encode() for name in ODD_NAMES}

    def test_programs_stay_executable(self, kit: Kit) -> None:
        """Usual modes are kept; others may be normalised, but whether a file is a program may not change."""
        kit.put("bin/program", "#!/bin/sh\n", mode=0o755)
        kit.put("bin/text", "text", mode=0o644)
        kit.put("bin/mine", "#!/bin/sh\n", mode=0o700)

        built = kit.build(Copy(source="bin", target="/kit/bin"))

        modes = {name: node.mode for name, node in built.nodes("bin").items()}
        assert (modes["program"], modes["text"]) == (0o755, 0o644)
        assert modes["mine"] & 0o100

    def test_copied_files_belong_to_root(self, kit: Kit) -> None:
        """Whoever owns them on this machine."""
        path = kit.put("src/deep/file", "content")
        if os.geteuid() == 0:
            os.chown(path, 12345, 54321)
            os.chown(path.parent, 12345, 54321)

        built = kit.build(Copy(source="src", target="/kit/src"))

        assert {(node.uid, node.gid) for node in built.nodes().values()} == {(0, 0)}

    def test_an_independent_copy_gives_the_same_files(self, kit: Kit) -> None:
        """``independent`` is about sharing layers only."""
        kit.put("src/file", "content")

        built = kit.build(Copy(source="src", target="/kit/src", independent=True))

        assert built.contents() == {"src/file": b"content"}
