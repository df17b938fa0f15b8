from __future__ import annotations

import pytest

from cog_backends.oci.debian.tree import Tree, TreeError
from cog_oci.entries import Entry, Kind


def _folder(path: str) -> Entry:
    return Entry(path=path, kind=Kind.FOLDER, mode=0o755)


def test_files_go_through_the_links_of_a_merged_usr() -> None:
    tree = Tree()
    tree.make_folder("usr/lib")
    tree.link("lib", "usr/lib")
    tree.put(_folder("lib"))
    tree.put(Entry(path="lib/x/y", content=b"1"))

    assert tree.read("/usr/lib/x/y") == b"1"
    assert tree.resolve("lib/x/../x/y") == "usr/lib/x/y"
    assert [entry.path for entry in tree] == ["lib", "usr", "usr/lib", "usr/lib/x", "usr/lib/x/y"]


def test_hard_links_mean_the_file_behind_the_links_too() -> None:
    tree = Tree()
    tree.make_folder("usr/bin")
    tree.link("bin", "usr/bin")
    tree.put(Entry(path="bin/a", content=b"1"))
    tree.put(Entry(path="bin/b", kind=Kind.HARDLINK, target="bin/a"))

    assert tree.read("bin/b") == b"1"


def test_absolute_links_begin_at_the_root_and_cannot_leave_it() -> None:
    tree = Tree([Entry(path="etc/x", content=b"inside")])
    tree.link("up", "../../../etc/x")
    tree.link("a/b", "/etc")

    assert tree.read("up") == tree.read("a/b/x") == b"inside"


def test_links_in_a_circle_end_with_an_error() -> None:
    tree = Tree()
    tree.link("a", "b")
    tree.link("b", "a")

    with pytest.raises(TreeError):
        tree.read("a")


def test_a_file_and_a_folder_cannot_have_one_path() -> None:
    tree = Tree([_folder("a"), Entry(path="b")])

    with pytest.raises(TreeError):
        tree.put(Entry(path="a"))
    with pytest.raises(TreeError):
        tree.put(Entry(path="b/c"))


def test_everything_made_has_the_time_of_the_tree() -> None:
    tree = Tree(mtime=7)
    tree.write("a/b", b"")
    tree.link("c", "a")
    tree.put(Entry(path="d", mtime=99))

    assert {entry.mtime for entry in tree} == {7}


def test_a_changed_link_changes_where_paths_lead() -> None:
    tree = Tree([Entry(path="x/f", content=b"x"), Entry(path="y/f", content=b"y")])
    tree.link("now", "x")
    before = tree.read("now/f")
    tree.link("now", "y")

    assert (before, tree.read("now/f")) == (b"x", b"y")
