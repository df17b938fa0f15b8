"""Contexts on a real disk: what is found, and that nothing outside is."""

from __future__ import annotations

import io
import os
import socket
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_core.context import (
    DEFAULT_IGNORES,
    BuildContext,
    EntryKind,
    IgnoreRules,
    exactly,
    materialise,
    tar_stream,
)
from cog_core.errors import UsageError
from cog_core.process import Command, run
from tests.unit.context.kit import FILES, PATTERNS, make_tree


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    make_tree(root)
    return root


def paths(context: BuildContext) -> list[str]:
    return [entry.path for entry in context.entries]


def members(context: BuildContext, **given) -> list[tarfile.TarInfo]:
    data = b"".join(tar_stream({"": context}, given.pop("files", {}), mtime=given.pop("mtime", 7)))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getmembers()


def test_all_files_are_found_with_their_sizes(tree):
    context = BuildContext(tree)

    assert {entry.path for entry in context.entries if entry.kind is EntryKind.FILE} == set(FILES)
    assert context.size == sum(len(name.encode()) for name in FILES)


@pytest.mark.parametrize("patterns", PATTERNS)
def test_walking_finds_what_the_rules_leave_and_the_folders_above_it(tree, patterns):
    rules = IgnoreRules.read(patterns)
    entries = BuildContext(tree, rules).entries
    files = {entry.path for entry in entries if entry.kind is EntryKind.FILE}
    folders = {entry.path for entry in entries if entry.kind is EntryKind.FOLDER}

    assert files == {path for path in FILES if not rules.excludes(path)}
    assert {str(parent) for path in files for parent in Path(path).parents if str(parent) != "."} <= folders


@pytest.mark.parametrize("patterns", PATTERNS)
@pytest.mark.parametrize("size", [0, 9, 14, 1000])
def test_large_files_are_those_of_all_that_are_large(tree, patterns, size):
    context = BuildContext(tree, IgnoreRules.read(patterns))

    assert context.survey(size).large == tuple(
        entry.path for entry in context.entries if entry.kind is EntryKind.FILE and entry.size >= size
    )


def test_what_our_rules_leave_out_is_named_and_leaves_out_the_same(tmp_path):
    kept, left = ("run.py", "a/b.py", "a/.git"), (".git/HEAD", ".venv/x/y", "a/__pycache__/z.pyc", "[odd] *.pyc")
    for name in (*kept, *left, ".cog/here"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    context = BuildContext.of_project(tmp_path)

    named = context.survey(1).left_out

    assert named == (".cog", ".git", ".venv", "[odd] *.pyc", "a/__pycache__")
    rules = IgnoreRules(tuple(map(exactly, named)))
    assert BuildContext(tmp_path, rules).entries == context.entries
    assert {entry.path for entry in context.entries if entry.kind is EntryKind.FILE} == set(kept)


@pytest.mark.parametrize("own", [True, False])
def test_what_is_left_out_is_not_named_when_it_is_much_or_the_authors_own_choice(tmp_path, own):
    for number in range(1 if own else len(DEFAULT_IGNORES) + 1):
        (tmp_path / f"{number}.pyc").write_text("")
    if own:
        (tmp_path / ".dockerignore").write_text("*.pyc\n")

    assert BuildContext.of_project(tmp_path).survey(1).left_out is None


lists = st.lists(st.sampled_from("\n".join(PATTERNS).split("\n")), max_size=6)


@settings(max_examples=40)
@given(lists)
def test_entries_are_sorted_stay_below_the_root_and_follow_their_folders(tree, lines):
    found = paths(BuildContext(tree, IgnoreRules(tuple(lines))))

    assert found == sorted(found, key=os.fsencode)
    assert len(set(found)) == len(found)
    for place, path in enumerate(found):
        assert (tree / path).resolve().is_relative_to(tree.resolve())
        assert all(str(parent) in found[:place] for parent in Path(path).parents if str(parent) != ".")


def test_links_are_kept_as_they_are_written_and_never_followed(tmp_path):
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (tmp_path / "secret").write_text("s")
    for name, target in {
        "out": "../secret",
        "absolute": "/etc/passwd",
        "loop": "loop",
        "up": "..",
        "folder/self": ".",
        "dangling": "no//where/",
    }.items():
        (root / name).symlink_to(target)

    context = BuildContext(root)

    assert {entry.path: entry.target for entry in context.entries if entry.kind is EntryKind.LINK} == {
        "absolute": "/etc/passwd",
        "dangling": "no//where/",
        "folder/self": ".",
        "loop": "loop",
        "out": "../secret",
        "up": "..",
    }
    assert paths(context) == ["absolute", "dangling", "folder", "folder/self", "loop", "out", "up"]
    assert {member.name: member.linkname for member in members(context) if member.issym()}["out"] == "../secret"


def test_sockets_and_pipes_are_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        Path("file").write_text("x")

        assert paths(BuildContext(tmp_path)) == ["file"]


NAMES = (b"new\nline", b"\xff\xfe.bin", "ünï".encode(), b"back\\slash", b"*", b" ")


def test_any_name_survives_in_archives_and_folders(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    for name in NAMES:
        (root / os.fsdecode(name)).write_bytes(name)
    context = BuildContext(root)

    materialise(context, tmp_path / "copy")

    assert [os.fsencode(path) for path in paths(context)] == sorted(NAMES)
    assert [os.fsencode(member.name) for member in members(context)] == sorted(NAMES)
    assert sorted(os.fsencode(file.name) for file in (tmp_path / "copy").iterdir()) == sorted(NAMES)
    for entry in context.entries:
        assert (tmp_path / "copy" / entry.path).read_bytes() == os.fsencode(entry.path)


UNREADABLE = """
import os, sys
from pathlib import Path
from cog_core.context import BuildContext
from cog_core.errors import UsageError
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    BuildContext.of_project(Path(sys.argv[1])).entries
except UsageError as error:
    print(error.message)
"""


@pytest.mark.parametrize("closed", ["folder", ".dockerignore"])
def test_what_cannot_be_read_is_named(closed):
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "folder").mkdir()
        (root / ".dockerignore").write_text("")
        (root / closed).chmod(0)

        said = run(Command(argv=(sys.executable, "-c", UNREADABLE, name))).check().stdout

        (root / closed).chmod(0o755)
    assert f"cannot read {root / closed}" in said


def test_a_dockerignore_that_is_a_folder_is_a_mistake_of_the_authors(tmp_path):
    (tmp_path / ".dockerignore").mkdir()

    with pytest.raises(UsageError, match=r"cannot read .*\.dockerignore: Is a directory"):
        BuildContext.of_project(tmp_path)


def test_a_project_without_rules_gets_sensible_ones_and_one_with_rules_its_own(tmp_path):
    for name in (".git/config", "a.pyc", "run.py", ".cog/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")

    assert paths(BuildContext.of_project(tmp_path)) == ["run.py"]
    (tmp_path / ".dockerignore").write_text("*.py\n!.cog\n")
    assert paths(BuildContext.of_project(tmp_path)) == [".dockerignore", ".git", ".git/config", "a.pyc"]


def test_an_archive_holds_generated_files_owners_and_times_as_asked(tree):
    found = members(BuildContext(tree), files={"opt/x": (b"content", 0o755)}, mtime=42)

    assert (found[0].name, found[0].size, found[0].mode) == ("opt/x", 7, 0o755)
    assert {(member.uid, member.gid, member.mtime) for member in found} == {(0, 0, 42)}


def test_several_contexts_become_folders_of_one_archive(tree, tmp_path):
    (tmp_path / "w").write_text("w")
    contexts = {"project": BuildContext(tree), "weights": BuildContext(tmp_path)}
    data = b"".join(tar_stream(contexts, {}, mtime=0))

    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = archive.getnames()
        assert {name.partition("/")[0] for name in names} == {"project", "weights"}
        assert archive.extractfile("weights/w").read() == b"w"
        assert archive.extractfile("project/dir/deep/temp2").read() == b"dir/deep/temp2"


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 70_000])
def test_a_file_that_changes_meanwhile_leaves_a_whole_archive(tmp_path, size):
    file = tmp_path / "log"
    file.write_bytes(b"a" * 600)
    (tmp_path / "next").write_text("n")
    context = BuildContext(tmp_path)
    assert context.size == 601
    file.write_bytes(b"b" * size)

    found = members(context)

    assert [(member.name, member.size) for member in found] == [("log", 600), ("next", 1)]


def test_materialised_folders_hold_what_the_context_holds(tree, tmp_path):
    context = BuildContext(tree, IgnoreRules(("docs", "!docs/keep", "*.md")))

    materialise(context, tmp_path / "copy")

    assert paths(BuildContext(tmp_path / "copy")) == paths(context)
    with pytest.raises(FileExistsError):
        materialise(context, tmp_path / "copy")
