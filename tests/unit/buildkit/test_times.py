"""Files that are older than the image get its time, in a folder of the build's own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cog_backends.buildkit.times import not_before
from cog_core.context import BuildContext

if TYPE_CHECKING:
    from pathlib import Path


def project(root: Path, time: int) -> BuildContext:
    (root / "folder").mkdir(parents=True)
    (root / "folder" / "old").write_text("old")
    (root / "new").write_text("new")
    (root / "link").symlink_to("new")
    for path in (root / "folder" / "old", root / "folder"):
        os.utime(path, (time, time))
    return BuildContext(root)


def test_a_project_of_today_is_sent_as_it_is(tmp_path):
    context = project(tmp_path / "project", 1_600_000_000)

    assert not_before(context, 1_600_000_000, tmp_path / "copy") == context.root
    assert not (tmp_path / "copy").exists()


def test_older_files_get_the_time_and_the_author_s_keep_theirs(tmp_path):
    context = project(tmp_path / "project", 1)
    (context.root / "folder").chmod(0o750)

    folder = not_before(context, 1_600_000_000, tmp_path / "copy")

    seen = {entry.path: folder.joinpath(entry.path).lstat() for entry in context.entries}
    assert {int(info.st_mtime) for name, info in seen.items() if "folder" in name} == {1_600_000_000}
    assert seen["new"].st_mtime == (context.root / "new").stat().st_mtime
    assert seen["folder"].st_mode & 0o777 == 0o750
    assert (folder / "folder" / "old").read_text() == "old"
    assert (context.root / "folder" / "old").stat().st_mtime == 1


def test_a_changed_file_gets_another_fraction_of_the_second(tmp_path):
    times = set()
    for number, time in enumerate((1, 2)):
        context = project(tmp_path / f"project-{number}", time)
        folder = not_before(context, 1_600_000_000, tmp_path / f"copy-{number}")
        times.add((folder / "folder" / "old").stat().st_mtime_ns)

    assert len(times) == 2
