"""The remembered choice of a base: it holds exactly as long as the package lists behind it."""

import os

import pytest

from cog_backends.oci.chosen import Chosen, recall, remember
from cog_backends.oci.store import Store
from cog_core.values import PythonLayout, PythonVersion

NOW = 1_800_000_000.0
DAY = 86_400.0
QUESTION = ("3.11", "linux/amd64", "https://mirror.example.com/debian")
CHOSEN = Chosen(
    key=("debian", "0123"),
    created_by="Debian bookworm, 44 packages",
    layout=PythonLayout(
        version=PythonVersion(3, 11, 2),
        interpreter="/usr/local/bin/python3.11",
        purelib="/usr/local/lib/python3.11/dist-packages",
    ),
)


@pytest.fixture
def store(tmp_path):
    """Hold one list that is an hour old, and one of another release that nobody has asked about for a week."""
    for name, age in (("used", 3600), ("old", 7 * DAY)):
        path = tmp_path / "debian" / "lists" / f"{name}.InRelease"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("list")
        os.utime(path, (NOW - age, NOW - age))
    found = Store(tmp_path)
    remember(found, QUESTION, CHOSEN, now=NOW, lifetime=DAY)
    return found


def test_the_choice_is_recalled_as_it_was(store):
    assert recall(store, QUESTION, now=NOW + 60) == CHOSEN


def test_the_choice_ends_when_the_list_would_be_asked_for_again(store):
    assert recall(store, QUESTION, now=NOW - 3600 + DAY - 1) == CHOSEN
    assert recall(store, QUESTION, now=NOW - 3600 + DAY) is None


def test_a_clock_that_was_put_back_ends_the_choice(store):
    assert recall(store, QUESTION, now=NOW - 1) is None


@pytest.mark.parametrize("position", range(len(QUESTION)))
def test_another_question_has_no_answer_yet(store, position):
    other = (*QUESTION[:position], "other", *QUESTION[position + 1 :])
    assert recall(store, other, now=NOW) is None


def test_a_list_that_changed_ends_the_choice(store):
    (store.root / "debian" / "lists" / "used.InRelease").write_text("new list")
    assert recall(store, QUESTION, now=NOW) is None


def test_a_list_that_came_or_went_ends_the_choice(store):
    (store.root / "debian" / "lists" / "old.InRelease").unlink()
    assert recall(store, QUESTION, now=NOW) is None


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b'"text"', b"\xff"])
def test_a_damaged_record_is_no_answer(store, damage):
    (record,) = (store.root / "bases").iterdir()
    record.write_bytes(damage)
    assert recall(store, QUESTION, now=NOW) is None


def test_nothing_is_remembered_of_lists_that_are_past_their_day(store):
    remember(store, QUESTION, CHOSEN, now=NOW + 2 * DAY, lifetime=DAY)
    assert recall(store, QUESTION, now=NOW + 2 * DAY) is None
