"""The file ``cog.lock``: used when it fits, explained when not, written as a whole."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_core.errors import LockError
from cog_core.lock import LockedPackage, Resolution, store, write_lock_file
from cog_core.lock.store import LockTarget


def written(desk, *packages, **build):
    return write_lock_file(desk.root, desk.resolve(*packages, **build), desk.lock(*packages, **build))


def test_a_lock_file_that_fits_is_used(desk, refuse):
    path = written(desk, "wants-source", "wants-cog")
    text = path.read_text()

    locked = desk.lock("wants-source", "wants-cog", run=refuse, refresh=True)

    assert locked.source == "cog.lock"
    assert locked.freeze == ("base==2.0", "wants-cog==1.0", "wants-source==1.0")
    assert locked.unlocked == ("only-source==2.0",)
    assert len(locked.notes) == 2
    assert path.read_text() == text


def test_a_lock_file_holds_no_address_of_an_index(desk):
    text = written(desk, "middle").read_text()

    assert "127.0.0.1" not in text
    assert "http" not in text


def test_a_lock_file_that_does_not_fit_warns_with_the_difference(desk):
    written(desk, "middle", "base<2")

    locked = desk.lock("middle", "arm")

    assert locked.source == "index"
    assert [warning.message for warning in locked.warnings] == [
        "cog.lock is not used: in the requirements 'arm' is new, 'base<2' is gone"
    ]


def test_a_lock_file_for_something_else_warns(desk):
    written(desk, "middle", python="3.12")

    assert [warning.message for warning in desk.lock("middle").warnings] == [
        "cog.lock is not used: it is for Python 3.12 on linux/amd64, not for Python 3.11 on linux/amd64"
    ]


def test_targets_live_side_by_side(desk):
    for platform in ("linux/arm64", "linux/amd64", "linux/arm64"):
        path = written(desk, "arm", platform=platform)

    targets = json.loads(path.read_text())["targets"]

    assert [(each["platform"], each["packages"][0]["version"]) for each in targets] == [
        ("linux/amd64", "0.9"),
        ("linux/arm64", "1.0"),
    ]


EMPTY = {"python": "3.11", "platform": "linux/amd64", "requirements": [], "packages": [], "built": [], "dropped": []}


def with_target(**changed) -> str:
    return json.dumps({"version": 1, "targets": [EMPTY | changed]})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"version": 1}',
        '{"version": 2, "targets": []}',
        '{"version": 1, "targets": [{"python": "3.11"}]}',
        with_target(packages=[{"name": "a\n--index-url http://evil", "version": "1", "hashes": []}]),
        with_target(built=[["a", "--extra-index-url http://evil"]]),
    ],
)
def test_a_broken_lock_file_is_told(desk, text):
    (desk.root / "cog.lock").write_text(text)

    with pytest.raises(LockError, match=r"cannot use cog\.lock: ") as caught:
        desk.lock("base")

    assert caught.value.hint == "Delete cog.lock to lock anew."


def test_writing_leaves_nothing_else_behind(desk):
    written(desk, "middle")

    assert [path.name for path in desk.root.iterdir()] == ["cog.lock"]


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1, max_size=8).filter(
    lambda text: not text.startswith("-")
)
LISTS = st.lists(WORDS, max_size=2).map(tuple)
PACKAGES = st.builds(LockedPackage, name=WORDS, version=st.none() | WORDS, url=st.none() | WORDS, hashes=LISTS)
PAIRS = st.lists(st.tuples(WORDS, WORDS), max_size=2).map(tuple)
TARGETS = st.builds(
    LockTarget,
    python=WORDS,
    platform=WORDS,
    requirements=st.lists(WORDS, max_size=3).map(tuple),
    resolution=st.builds(Resolution, packages=st.lists(PACKAGES, max_size=3).map(tuple), built=PAIRS, dropped=PAIRS),
)


@given(TARGETS)
def test_a_lock_comes_back_from_its_file(target):
    assert store.from_json(store.to_json((target,))) == (target,)
