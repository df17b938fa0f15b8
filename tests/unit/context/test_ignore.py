"""The rules of ``.dockerignore``, case by case from Docker's documentation, and properties of every list."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_core.context import ALWAYS_IGNORED, DEFAULT_IGNORES, IgnoreRules, exactly
from tests.unit.context.kit import FILES


def excluded(patterns: str, *paths: str) -> list[str]:
    rules = IgnoreRules.read(patterns)
    return [path for path in paths or FILES if rules.excludes(path)]


@pytest.mark.parametrize(
    ("patterns", "out", "stays"),
    [
        ("# comment\n", [], ["# comment", "comment"]),
        ("*/temp*", ["dir/temp1", "x/temporary.txt", "x/temp"], ["temp", "dir/deep/temp2"]),
        ("*/*/temp*", ["dir/deep/temp2"], ["dir/temp1", "a/b/c/temp"]),
        ("temp?", ["tempa", "tempb"], ["temp", "tempab", "dir/tempa"]),
        ("**/*.go", ["x.go", "dir/file.go", "a/b/c/x.go"], ["x.goo", "go"]),
        ("**", ["a", "a/b"], []),
        ("*", ["a", "a/b", ".hidden"], []),
        ("*.md\n!README.md", ["x.md"], ["README.md", "dir/x.md"]),
        ("*.md\n!README*.md\nREADME-secret.md", ["x.md", "README-secret.md"], ["README.md", "README-x.md"]),
        ("*.md\nREADME-secret.md\n!README*.md", ["x.md"], ["README-secret.md", "README.md"]),
        ("/foo/bar", ["foo/bar", "foo/bar/x"], ["x/foo/bar", "foo/barx"]),
        ("foo/bar", ["foo/bar"], ["x/foo/bar"]),
        ("/foo", ["foo", "foo/x"], ["x/foo"]),
        ("foo/", ["foo", "foo/x"], []),
        ("./foo/../bar", ["bar"], ["foo"]),
        ("foo//bar/./x", ["foo/bar/x"], []),
        (".", [], ["a", "a/b"]),
        ("..", [], ["a", "..a"]),
        ("../a", [], ["a"]),
        ("/", [], ["a"]),
        ("!", [], ["a"]),
        ("  foo \t\n", ["foo"], [" foo"]),
        ("foo\r\nbar\r\n", ["foo", "bar"], []),
        (" # foo", ["# foo"], ["foo"]),
        ("\\#foo", ["#foo"], ["foo", "\\#foo"]),
        ("\\!foo", ["!foo"], ["foo"]),
        ("foo # not a comment", ["foo # not a comment"], ["foo"]),
        ("\ufefffoo", ["foo"], []),
        ("foo\n! foo", [], ["foo"]),
        ("!!foo\n", [], ["foo", "!foo"]),
        ("foo\\*", ["foo*"], ["foox"]),
        ("[a-c]x", ["ax", "bx"], ["dx", "-x"]),
        ("[^a-c]x", ["dx"], ["ax"]),
        ("[a\\-c]x", ["-x", "ax"], ["bx"]),
        ("[\\]]x", ["]x"], []),
        ("[!a]x", ["!x", "ax"], ["bx"]),
        ("a+(b).$x", ["a+(b).$x"], ["aab"]),
        ("**/foo", ["foo", "a/foo", "a/b/foo", "a/foo/x"], ["afoo"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
        ("**.md", ["a.md", "b/a.md"], ["a.mdx"]),
        ("foo\x0bbar\u2028x", ["foo\x0bbar\u2028x"], ["foo", "x"]),
    ],
)
def test_a_documented_case(patterns, out, stays):
    assert excluded(patterns, *out, *stays) == out


def test_a_folder_covers_all_below_it_and_exceptions_bring_parts_back():
    patterns = "docs\n!docs/keep\n"

    assert excluded(patterns, "docs/x.md", "docs/keep/x.md", "docs/drop/x.md") == ["docs/x.md", "docs/drop/x.md"]


def test_the_text_is_kept_for_engines():
    text = "# why\n*.md\n!README.md\n"

    assert IgnoreRules.read(text).text.strip() == text.strip()
    assert IgnoreRules.read(text).followed_by(".cog").lines[-1] == ".cog"


def test_what_is_ignored_without_a_dockerignore_holds_no_models():
    rules = IgnoreRules((*DEFAULT_IGNORES, *ALWAYS_IGNORED))
    out = [".git/config", ".venv/bin/python", "a/__pycache__/x.pyc", "x.pyc", ".cog/x", "d/.DS_Store"]
    stays = ["run.py", "weights/model.bin", "a/.git/config", ".gitignore", "cog.yaml", "a/.cog"]

    assert [path for path in (*out, *stays) if rules.excludes(path)] == out


patterns = st.text(
    st.sampled_from("ab/*?!#[]^-\\. \t\u00a0.") | st.characters(exclude_categories=("Cs",)), max_size=12
)
part = st.text(
    st.sampled_from("ab*?!#[]^-\\. \n\udc80") | st.characters(exclude_characters="/\0"), min_size=1, max_size=6
)
paths = st.lists(part.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=4).map("/".join)


@settings(max_examples=150)
@given(st.lists(patterns, max_size=5), paths)
def test_no_list_of_patterns_makes_it_fail(lines, path):
    rules = IgnoreRules.read("\n".join(lines))

    assert rules.excludes(path) in {True, False}
    assert rules.may_include_below(path) in {True, False}


@given(paths, paths)
def test_an_exact_pattern_matches_this_path_and_nothing_else(path, other):
    rules = IgnoreRules.read(IgnoreRules(("# kept", exactly(path))).text)

    assert rules.excludes(path)
    if "\n" not in path:
        assert rules.excludes(other) == (other == path or other.startswith(f"{path}/"))


@given(st.lists(patterns, max_size=4), paths)
def test_the_last_pattern_that_matches_decides(lines, path):
    rules = IgnoreRules.read("\n".join(lines))

    assert rules.followed_by(exactly(path)).excludes(path)
    assert not rules.followed_by(f"!{exactly(path)}").excludes(path)


@given(st.lists(patterns, max_size=4), paths, paths)
def test_an_excluded_folder_that_no_exception_reaches_into_is_excluded_whole(lines, folder, name):
    rules = IgnoreRules.read("\n".join(lines))

    if rules.excludes(folder) and not rules.may_include_below(folder):
        assert rules.excludes(f"{folder}/{name}")


@given(st.lists(patterns, max_size=4), paths)
def test_comments_and_empty_lines_change_nothing(lines, path):
    spaced = "\n".join(part for line in lines for part in ("# a comment", "", line, " \t"))

    assert IgnoreRules.read(spaced).excludes(path) == IgnoreRules.read("\n".join(lines)).excludes(path)


def test_many_wildcards_do_not_take_for_ever():
    rules = IgnoreRules(("**/" * 8 + "*a*b*c*d*e.x",))

    assert not rules.excludes("/".join(["abcde" * 4] * 8))
