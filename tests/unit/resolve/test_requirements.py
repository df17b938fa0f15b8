"""Requirements: what is read of them, where they stand, and what is said about those that cannot be used."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_core.config import parse
from cog_core.config.files import FileKind
from cog_core.errors import ConfigInvalid
from cog_core.resolve import Facts, RequirementsFile, resolve
from cog_core.resolve.lines import logical_lines

DIRECT = "(`name @ path`) are not supported"


def texts(build):
    return [line.text for line in build.requirements]


def test_comments_blank_lines_and_continuations_are_understood(resolved):
    build = resolved(requirements="# all\n\nnumpy==1.0  # why\n  pillow>=9, \\\n    <11\nsix")

    assert texts(build) == ["numpy==1.0", "pillow>=9,     <11", "six"]
    assert [(line.origin.file, line.origin.line, line.origin.column) for line in build.requirements] == [
        ("requirements.txt", 3, 1),
        ("requirements.txt", 4, 3),
        ("requirements.txt", 6, 1),
    ]


def test_a_fragment_is_no_comment(resolved):
    (line,) = resolved(requirements="https://h/a-1.0-py3-none-any.whl#sha256=ab  # said twice").requirements

    assert line.text == "https://h/a-1.0-py3-none-any.whl#sha256=ab"
    assert (line.name, line.source) == ("a", False)


def test_packages_of_cog_yaml_know_their_place(resolved):
    (line,) = resolved("build:\n  python_packages:\n    - torch==2.1\n").requirements

    assert str(line.origin) == "cog.yaml:3:7 (build.python_packages[0])"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("--extra-index-url https://h/simple", ["--extra-index-url https://h/simple"]),
        ("--extra-index-url=https://h/simple", ["--extra-index-url https://h/simple"]),
        ("-i https://h/simple", ["--index-url https://h/simple"]),
        ("-fhttps://h/links", ["--find-links https://h/links"]),
        ("--pre", ["--pre"]),
        ("--no-binary=a,b", ["--no-binary a,b"]),
        ("--trusted-host h --prefer-binary", ["--trusted-host h", "--prefer-binary"]),
        ("torch==2.1 --extra-index-url=https://h/cu", ["--extra-index-url https://h/cu"]),
    ],
)
def test_index_options_are_gathered_from_files_and_entries(resolved, text, options):
    in_file = resolved(requirements=text)
    in_config = resolved(f"build: {{python_packages: ['{text}']}}")

    assert [option.line for option in in_file.index] == [option.line for option in in_config.index] == options
    assert texts(in_file) == texts(in_config) == (["torch==2.1"] if text.startswith("torch") else [])


def test_hashes_belong_to_their_requirement(resolved):
    (line,) = resolved(requirements="six==1.16.0 \\\n  --hash=sha256:aa \\\n  --hash sha256:bb\n").requirements

    assert (line.text, line.hashes) == ("six==1.16.0", ("sha256:aa", "sha256:bb"))


@pytest.mark.parametrize(
    ("text", "name", "source"),
    [
        ("Foo_Bar[extra]>=1 ; python_version > '3'", "foo-bar", False),
        ("foo @ https://h/foo-1.0-py3-none-any.whl", "foo", False),
        ("foo @ https://h/foo-1.0.tar.gz", "foo", True),
        ("foo @ git+https://h/foo.git@main", "foo", True),
        ("git+https://h/foo.git#egg=Foo", "foo", True),
        ("git+https://h/foo.git", None, True),
        ("git+ssh://git@h/foo.git", None, True),
        ("-e git+https://h/foo.git#egg=foo", "foo", True),
        ("https://h/a/foo_bar-1.0-py3-none-any.whl", "foo-bar", False),
        ("https://h/a/foo-1.0.zip", "foo", True),
        ("foo==1 --global-option=--fast", "foo", True),
    ],
)
def test_what_has_to_be_built_is_known_by_its_line(resolved, text, name, source):
    (line,) = resolved(requirements=text).requirements

    assert (line.name, line.source) == (name, source)


@pytest.mark.parametrize(
    "text",
    [
        "cog",
        "cog==0.9.4",
        "Cog[x]>=1",
        "coglet",
        "cog @ https://h/cog-1.0-py3-none-any.whl",
        "https://h/coglet-1.0-py3-none-any.whl",
        "git+https://h/cog#egg=cog",
    ],
)
def test_our_own_packages_are_left_out_with_a_warning(resolved, text):
    build = resolved(requirements=f"numpy\n{text}\n")

    assert texts(build) == ["numpy"]
    (warning,) = build.warnings
    assert warning.message.startswith(f"'{text}' found in requirements — overriding with the built-in cog")
    assert warning.origin.line == 2


@pytest.mark.parametrize("text", ["cogito", "cog-utils", "replicate"])
def test_packages_with_similar_names_stay(resolved, text):
    assert texts(resolved(requirements=text)) == [text]


def test_the_project_itself_as_editable_is_left_out_with_a_note(resolved):
    build = resolved(requirements="-e .\nnumpy")

    assert texts(build) == ["numpy"]
    assert any('"-e ." is left out' in note.message for note in build.notes)


def test_an_unknown_option_is_ignored_with_a_warning(resolved):
    build = resolved(requirements="--use-feature=fast-deps\nnumpy")

    assert [warning.message for warning in build.warnings] == ['pip option "--use-feature" is ignored']


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-r other.txt", 'local requirements option "-r other.txt" is not supported'),
        ("--requirement=other.txt", 'local requirements option "-r other.txt" is not supported'),
        ("-c constraints.txt", 'local requirements option "-c constraints.txt" is not supported'),
        ("--find-links ./wheels", 'local requirements option "--find-links ./wheels" is not supported'),
        ("--index-url file:///x", 'local requirements option "--index-url file:///x" is not supported'),
        ("-e ./package", 'local requirements option "-e ./package" is not supported'),
        ("--extra-index-url", "option --extra-index-url has no value"),
        (
            "file:///a-1-py3-none-any.whl",
            "local file URL requirements are not supported: file:///a-1-py3-none-any.whl",
        ),
        ("a @ file:///a.whl", "local file URL requirements are not supported: a @ file:///a.whl"),
        (
            "a @ ./a.whl",
            f"local direct reference requirements {DIRECT}; list the path directly instead: ./a.whl",
        ),
        ("./package", 'local package requirement "./package" is not a supported wheel or source archive'),
        ("../package", 'local package requirement "../package" is not a supported wheel or source archive'),
        ("a-1.0-py3-none-any.whl", 'local Python package artifact "a-1.0-py3-none-any.whl" not found'),
        ("other.zip", 'local Python package artifact "other.zip" must be a regular file'),
        ("outside.zip", 'local Python package artifact "outside.zip" must be inside the project directory'),
        (
            "there.zip --hash=sha256:aa",
            "local package artifact requirements do not support inline options or hashes",
        ),
        (
            "there.zip ; python_version > '3'",
            "environment markers are not supported on local package artifact requirements",
        ),
        ("there.zip[extra]", "extras are not supported on local package artifact requirements"),
        ("numpy=1.2", 'invalid requirement "numpy=1.2"'),
        ("numpy torch", 'invalid requirement "numpy torch"'),
        ("numpy==https://u:p4ss@h", 'invalid requirement "numpy==https://h"'),
        ("https://${TOKEN}@h/a-1.0-py3-none-any.whl", "${TOKEN} in a requirement is not filled in"),
        ("--index-url 'https://h", 'invalid requirement "--index-url \'https://h": a quote is not closed'),
    ],
)
def test_a_requirement_that_cannot_be_used_is_told_with_its_line(resolved, text, message):
    files = {"other.zip": FileKind.OTHER, "outside.zip": FileKind.OUTSIDE, "there.zip": FileKind.FILE}
    with pytest.raises(ConfigInvalid) as caught:
        resolved(requirements=f"numpy\n{text}\n", files=files)

    (problem,) = caught.value.problems
    assert (problem.message, problem.origin.file, problem.origin.line) == (message, "requirements.txt", 2)


def test_a_file_of_the_project_is_taken_with_blanks_in_its_path(resolved):
    path = "my wheels/a_b-1.0-py3-none-any.whl"
    (line,) = resolved(requirements=path, files={path: FileKind.FILE}).requirements

    assert (line.artifact, line.name, line.source) == (path, "a-b", False)


def test_paths_are_relative_to_the_requirements_file():
    loaded = parse("build: {python_requirements: deps/r.txt}")
    facts = Facts(
        directory="x",
        requirements=RequirementsFile("deps/r.txt", "a-1.0.zip"),
        files={"deps/a-1.0.zip": FileKind.FILE},
    )

    assert resolve(loaded, facts).requirements[0].artifact == "deps/a-1.0.zip"


def test_credentials_are_absent_from_representations(resolved):
    build = resolved(requirements="--index-url https://u:p4ss@h/\na @ git+https://t0ken@h/a\n")

    assert "p4ss" not in repr(build)
    assert "t0ken" not in repr(build)
    assert build.index[0].value == "https://u:p4ss@h/"


LINES = st.lists(
    st.sampled_from(
        [
            "numpy",
            "==1.0",
            " ",
            "#",
            "\\\n",
            "\n",
            "-r ",
            "--hash=x",
            "--extra-index-url ",
            "https://h/",
            "a.whl",
            "@",
            "[x]",
            ";",
            "-e ",
            "./",
            "'",
            '"',
            "git+",
            "${X}",
        ]
    ),
    max_size=20,
).map("".join)


@given(st.text(max_size=60) | LINES)
def test_any_requirements_are_read_or_refused_with_a_place(text):
    loaded = parse("build: {python_version: '3.12', python_requirements: r.txt}")
    with contextlib.suppress(ConfigInvalid):
        build = resolve(loaded, Facts(directory="x", requirements=RequirementsFile("r.txt", text)))
        assert all(line.origin.line for line in build.requirements)


SIMPLE = (
    st.text(st.characters(codec="ascii", exclude_characters="\\#", exclude_categories=["C"]), min_size=1)
    .map(str.strip)
    .filter(bool)
)


@given(st.lists(SIMPLE, max_size=6))
def test_every_line_is_found_at_its_number(lines):
    text = "".join(f"# remark\n\n  {line}\n" for line in lines)

    found = list(logical_lines(text, file="r.txt"))

    assert [line.text for line in found] == lines
    assert [line.origin.line for line in found] == [3 * number for number in range(1, len(lines) + 1)]
