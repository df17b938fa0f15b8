"""Locks made from a real index: what is in them, and what is left to the image."""

from __future__ import annotations

import re

import pytest

from cog_core.errors import LockError
from cog_core.events import StepFailed, StepFinished, StepStarted
from cog_core.lock import lock
from cog_core.process import run
from cog_core.values import PythonVersion


def names(locked):
    return [line.split()[0] for line in locked.locked]


def test_a_lock_names_every_package_with_version_and_hash(desk):
    locked = desk.lock("middle")

    assert names(locked) == ["base==1.0", "middle==1.0"]
    assert all(re.fullmatch(r"\S+==\S+( --hash=sha256:[0-9a-f]{64})+", line) for line in locked.locked)
    assert locked.freeze == ("base==1.0", "middle==1.0")
    assert locked.index == (f"--index-url {desk.index.public}",)
    assert (locked.unlocked, locked.artifacts, locked.source) == ((), (), "index")


def test_nothing_to_lock_starts_nothing(desk, refuse):
    locked = desk.lock(run=refuse)

    assert (locked.locked, locked.unlocked, locked.source) == ((), (), "nothing to lock")


def test_a_second_lock_needs_no_program_and_no_network(desk, refuse):
    first = desk.lock("middle", "wants-source")

    second = desk.lock("middle", "wants-source", run=refuse)

    assert (second.source, second.locked, second.unlocked) == ("cache", first.locked, first.unlocked)
    assert [note.message for note in second.notes] == [note.message for note in first.notes]


def test_a_refresh_asks_again(desk):
    desk.lock("middle")

    assert desk.lock("middle", refresh=True).source == "index"


def test_a_damaged_cache_is_no_cache(desk):
    desk.lock("middle")
    for file in (desk.settings.cache / "locks").iterdir():
        file.write_text("{")

    assert desk.lock("middle").source == "index"


@pytest.mark.parametrize("changed", [{"python": "3.12"}, {"platform": "linux/arm64"}])
def test_another_target_has_another_lock(desk, changed):
    desk.lock("base")

    assert desk.lock("base", **changed).source == "index"


def test_a_package_with_only_a_source_archive_is_left_to_the_image(desk):
    locked = desk.lock("other-source==1.0", "base")

    assert names(locked) == ["base==2.0"]
    assert locked.unlocked == ("other-source==1.0",)
    (note,) = locked.notes
    assert note.message == "other-source==1.0 has no wheel for Python 3.11 on linux/amd64 and is built in the image"
    assert note.origin.key == "build.python_packages[0]"


def test_a_source_archive_that_only_others_want_keeps_their_version(desk):
    locked = desk.lock("wants-source")

    assert names(locked) == ["base==2.0", "wants-source==1.0"]
    assert locked.unlocked == ("only-source==2.0",)


def test_several_source_archives_are_found_one_after_the_other(desk):
    locked = desk.lock("wants-source", "other-source")

    assert locked.unlocked == ("other-source", "only-source==2.0")


def test_cog_is_left_out_even_if_only_others_want_it(desk):
    locked = desk.lock("wants-cog")

    assert names(locked) == ["base==2.0", "wants-cog==1.0"]
    assert [note.message for note in locked.notes] == [
        "'cog' is required by wants-cog — overriding with the built-in cog"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "base @ git+https://example.invalid/base.git",
        "base @ https://example.invalid/base-9.tar.gz",
        "base==1.0 --config-settings=a=b",
    ],
)
def test_what_must_be_built_is_never_looked_at(desk, line):
    locked = desk.lock(line, "middle")

    assert names(locked) == ["middle==1.0"]
    assert [each.partition(" ")[0].partition("==")[0] for each in locked.unlocked] == ["base"]


def test_packages_that_may_not_be_wheels_are_left_to_the_image(desk):
    locked = desk.lock("--no-binary=base", "base==1.0", "middle")

    assert (names(locked), locked.unlocked) == (["middle==1.0"], ("base==1.0",))
    assert "--no-binary base" in locked.index


def test_a_wheel_at_a_url_is_locked_by_its_hash(desk):
    url = f"{desk.index.public}base/base-1.0-py3-none-any.whl"

    locked = desk.lock(f"base @ {url}")

    assert locked.freeze == (f"base @ {url}",)
    assert "--hash=sha256:" in locked.locked[0]


def test_a_wheel_of_the_project_brings_its_dependencies(desk, index):
    source = index.folder / "middle/middle-1.0-py3-none-any.whl"
    target = desk.root / "my wheels" / source.name
    target.parent.mkdir()
    target.write_bytes(source.read_bytes())

    locked = desk.lock(f"my wheels/{source.name}")

    assert names(locked) == ["base==1.0"]
    assert [(each.path, each.target) for each in locked.artifacts] == [
        (f"my wheels/{source.name}", f"/opt/cog/artifacts/0/{source.name}")
    ]
    assert locked.unlocked == (f"file:///opt/cog/artifacts/0/{source.name}",)


def test_a_changed_wheel_of_the_project_is_locked_anew(desk, index):
    source = (index.folder / "middle/middle-1.0-py3-none-any.whl").read_bytes()
    path = desk.root / "middle-1.0-py3-none-any.whl"
    path.write_bytes(source)
    desk.lock(path.name)
    path.write_bytes((index.folder / "base/base-1.0-py3-none-any.whl").read_bytes())

    with pytest.raises(LockError):
        desk.lock(path.name)


def test_only_the_author_s_hashes_are_right_where_there_are_some(desk):
    digest = re.findall(r"sha256:\w+", desk.lock("base==1.0").locked[0])[0]

    locked = desk.lock(requirements=f"base==1.0 --hash={digest}\n")

    assert locked.locked == (f"base==1.0 --hash={digest}",)


def test_a_hash_that_no_file_has_is_told_with_its_line(desk):
    with pytest.raises(LockError, match=r"no file of base==1\.0 has a hash that is listed") as caught:
        desk.lock(requirements=f"\nbase==1.0 --hash=sha256:{'0' * 64}\n")

    assert (caught.value.origin.file, caught.value.origin.line) == ("requirements.txt", 2)


def test_wheels_are_chosen_for_the_target_s_processor(desk):
    assert names(desk.lock("arm", platform="linux/arm64")) == ["arm==1.0"]
    assert names(desk.lock("arm", platform="linux/amd64")) == ["arm==0.9"]


def test_a_series_counts_as_one_of_its_later_patches(desk):
    assert names(desk.lock("patched", python="3.8")) == ["patched==1.0"]


def test_a_base_that_is_known_more_exactly_counts(desk):
    resolved = desk.resolve("patched", python="3.8")

    with pytest.raises(LockError, match=r"patched==1\.0 requires Python"):
        lock(resolved, root=desk.root, settings=desk.settings, run=run, python=PythonVersion(3, 8, 0))


def test_early_versions_come_only_when_they_are_welcome(desk):
    assert names(desk.lock("early")) == ["early==1.0"]
    assert names(desk.lock("--pre", "early")) == ["early==2.0a1"]


@pytest.mark.parametrize("platform", ["linux/riscv64", "windows/amd64"])
def test_a_platform_without_wheels_is_refused(desk, platform):
    with pytest.raises(LockError, match=f"no Python packages can be locked for {platform}"):
        desk.lock("base", platform=platform)


@pytest.mark.parametrize(
    ("packages", "fact", "hint", "key"),
    [
        (("middle", "base==9"), "there is no version of base==9", "a version that exists", 1),
        (("middle", "base==2.0"), "all versions of middle depend on base<2", "Loosen", 0),
        (("nowhere",), "nowhere is not on any index", "Check the name", 0),
        (
            ("only-38",),
            "only-38==1.0 has no wheels with a matching Python ABI tag",
            "There are wheels for Python 3.8:",
            0,
        ),
        (("only-new",), "only-new==1.0 requires Python >=3.12", "It needs Python >=3.12", 0),
        (("only-windows",), "no wheels with a matching platform tag", "There are wheels for win_amd64 only", 0),
    ],
)
def test_what_does_not_go_together_is_told_with_its_line_and_a_way_out(desk, packages, fact, hint, key):
    with pytest.raises(LockError) as caught:
        desk.lock(*packages)

    error = caught.value
    assert error.message.startswith("no versions of the Python packages go together for Python 3.11 on linux/amd64: ")
    assert fact in error.message
    assert error.hint.startswith(hint) or hint in error.hint
    assert error.origin.key == f"build.python_packages[{key}]"


def test_both_lines_of_a_contradiction_are_named(desk):
    with pytest.raises(LockError, match=r"see also requirements\.txt:3:1"):
        desk.lock(requirements="middle\n\nbase==2.0\n")


def test_an_index_out_of_reach_is_told_by_its_host(desk):
    with pytest.raises(LockError, match=r"the package index at 127\.0\.0\.1 cannot be reached: .*refused") as caught:
        desk.with_environ(PIP_INDEX_URL="http://127.0.0.1:9/simple").lock("base")

    assert "HTTPS_PROXY" in caught.value.hint


def test_asking_an_index_is_an_event(desk):
    events = []

    desk.lock("base", emit=events.append)
    with pytest.raises(LockError):
        desk.lock("nowhere", emit=events.append)

    assert [type(event) for event in events] == [StepStarted, StepFinished, StepStarted, StepFailed]


def test_settings_of_the_user_s_resolver_do_not_change_a_lock(desk):
    override = desk.root / "override.txt"
    override.write_text("base==2.0\n")
    (desk.root / "uv.toml").write_text("no-index = true\n")

    locked = desk.with_environ(UV_OVERRIDE=str(override), UV_RESOLUTION="lowest").lock("middle")

    assert names(locked) == ["base==1.0", "middle==1.0"]
