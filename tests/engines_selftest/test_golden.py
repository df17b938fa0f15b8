"""Golden files: compared, shown when different, written on request."""

from __future__ import annotations

import pytest

from tests.support.golden import Golden, difference


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "golden"


def test_the_same_text_passes(folder):
    Golden(folder, update=True)("a/b.txt", "one\n")

    Golden(folder, update=False)("a/b.txt", "one\n")


def test_another_text_shows_a_diff(folder):
    Golden(folder, update=True)("b.txt", "one\ntwo\n")

    with pytest.raises(pytest.fail.Exception) as failure:
        Golden(folder, update=False)("b.txt", "one\nthree\n")

    assert "-two\n+three" in str(failure.value)
    assert "--update-golden" in str(failure.value)


def test_a_missing_file_says_how_to_make_it(folder):
    with pytest.raises(pytest.fail.Exception, match="--update-golden"):
        Golden(folder, update=False)("new.txt", "")


def test_other_bytes_show_where_they_begin_to_differ():
    shown = "\n".join(difference(b"\xff" * 20, b"\xff" * 18 + b"\x00\xff", "x"))

    assert "from byte 18 on" in shown
    assert "00000010" in shown


def test_a_changed_end_of_line_is_a_difference(folder):
    Golden(folder, update=True)("b.txt", "one\r\n")

    with pytest.raises(pytest.fail.Exception, match="ends of lines"):
        Golden(folder, update=False)("b.txt", "one\n")


def test_a_path_out_of_the_folder_is_refused(folder):
    with pytest.raises(ValueError, match="not below"):
        Golden(folder, update=True)("../x", "")
