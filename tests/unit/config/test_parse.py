"""What a configuration means: its values, their places, and what is said about them."""

from __future__ import annotations

from textwrap import dedent

import attrs
import pytest

from cog_core.config import load, parse
from cog_core.errors import ConfigInvalid, ConfigNotFound, Origin

WHOLE = """\
build:
  gpu: true
  python_version: "3.12"
  python_requirements: requirements.txt
  system_packages:
    - ffmpeg
    - libgl1
  run:
    - echo a
    - command: pip install b
      mounts:
        - {type: secret, id: pip, target: /etc/pip.conf}
  cuda: "12.4"
  cudnn: "9"
  sdk_version: 0.22.0
image: registry.example.com/me/model
run: "run.py:Runner"
train: train.py:train
concurrency:
  max: 4
  default_target: 2
environment:
  - A=1
  - B=x=y
"""


def test_every_key_reaches_its_field():
    config = parse(WHOLE).config

    build = config.build
    assert (build.gpu, build.python_version, build.python_requirements) == (True, "3.12", "requirements.txt")
    assert build.system_packages == ("ffmpeg", "libgl1")
    assert [(item.command, len(item.mounts)) for item in build.run] == [("echo a", 0), ("pip install b", 1)]
    assert (build.cuda, build.cudnn, build.sdk_version) == ("12.4", "9", "0.22.0")
    assert (config.image, config.predict, config.train) == (
        *("registry.example.com/me/model", "run.py:Runner", "train.py:train"),
    )
    assert config.concurrency is not None
    assert (config.concurrency.max, config.concurrency.default_target) == (4, 2)
    assert config.environment == ("A=1", "B=x=y")


@pytest.mark.parametrize(
    ("key", "line", "column"),
    [
        ("build", 1, 1),
        ("build.gpu", 2, 8),
        ("build.python_version", 3, 19),
        ("build.system_packages", 5, 3),
        ("build.system_packages[1]", 7, 7),
        ("build.run[0]", 9, 7),
        ("build.run[1]", 10, 7),
        ("build.run[1].mounts[0].target", 12, 43),
        ("predict", 17, 6),
        ("concurrency.max", 20, 8),
        ("environment[1]", 24, 5),
    ],
)
def test_the_place_of_every_value_is_known(key, line, column):
    origin = parse(WHOLE, file="my.yaml").origin(key)

    assert (origin.file, origin.line, origin.column) == ("my.yaml", line, column)
    assert origin.key == ("run" if key == "predict" else key)


def test_what_is_not_written_has_no_line():
    assert parse("image: a").origin("build.gpu") == Origin(file="cog.yaml", key="build.gpu")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3.10", "3.10"),
        ("'3.10'", "3.10"),
        ('"3.9"', "3.9"),
        ("3.11.4", "3.11.4"),
        ("' 3.12 '", "3.12"),
        ("3.8", "3.8"),
    ],
)
def test_the_text_of_a_python_version_counts(text, value):
    assert parse(f"build: {{python_version: {text}}}").config.build.python_version == value


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ('"yes"', True), ("on", True), ("no", False), ("False", False), ("~", False)]
)
def test_a_boolean_may_be_any_of_yaml_s_words(text, value):
    assert parse(f"build: {{gpu: {text}}}").config.build.gpu is value


def test_items_of_lists_become_texts():
    assert parse("build: {python_packages: [1, true, 2.50]}").config.build.python_packages == ("1", "true", "2.50")


@pytest.mark.parametrize("key", ["run", "system_packages", "python_packages", "pre_install"])
def test_a_list_without_a_value_is_empty(key):
    assert getattr(parse(f"build:\n  {key}:\n").config.build, key) == ()


def test_a_missing_python_version_is_3_13_with_a_note():
    loaded = parse("run: run.py:Runner")

    assert loaded.config.build.python_version == "3.13"
    assert [note.message for note in loaded.notes] == ["build.python_version is not set; Python 3.13 is used"]


@pytest.mark.parametrize(
    ("text", "value", "key"),
    [
        ("build: {run: make, python_version: '3.12'}", "make", "run"),
        ("build: {system_packages: ffmpeg, python_version: '3.12'}", "ffmpeg", "system_packages"),
        ("build: {python_packages: torch==2.1, python_version: '3.12'}", "torch==2.1", "python_packages"),
    ],
)
def test_a_single_value_is_read_as_a_list_with_a_note(text, value, key):
    loaded = parse(text)

    (item,) = getattr(loaded.config.build, key)
    assert value in {item, getattr(item, "command", None)}
    assert [note.message for note in loaded.notes] == [
        f'"build.{key}" is a single value; it is read as a list with one item'
    ]


def test_a_mapping_of_variables_is_read_as_a_list_with_a_note():
    loaded = parse("build: {python_version: '3.12'}\nenvironment:\n  A: b\n  C: 1\n")

    assert loaded.config.environment == ("A=b", "C=1")
    assert [note.message for note in loaded.notes] == [
        '"environment" is a mapping; it is read as a list of KEY=VALUE'
    ]


@pytest.mark.parametrize(
    ("text", "warning", "line"),
    [
        ("predict: a.py:A", 'deprecated field "predict": use "run" instead', 1),
        ("concurrency:\n  max: 1", 'deprecated field "concurrency.max": use "@cog.concurrent(max=...)" instead', 2),
        (
            "build:\n  python_packages: [a]",
            'deprecated field "build.python_packages": use "build.python_requirements" instead',
            2,
        ),
        ("build:\n  pre_install: [a]", 'deprecated field "build.pre_install": use "build.run" instead', 2),
    ],
)
def test_a_deprecated_key_warns(text, warning, line):
    (found,) = parse(text).warnings

    assert (found.message, found.origin.line) == (warning, line)


def test_run_is_not_deprecated():
    assert parse("run: a.py:A").warnings == ()


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("buidl: {}", "buidl", 'Did you mean "build"?'),
        ("build: {python-version: 3.9}", "build.python-version", 'Did you mean "python_version"?'),
        ("build: {pyhton_version: 3.9}", "build.pyhton_version", 'Did you mean "python_version"?'),
        ("build: {env: [A=1]}", "build.env", 'Write "environment" at the top level.'),
        ("gpu: true", "gpu", 'Write "gpu" inside "build".'),
        ("predictor: a.py:A", "predictor", 'Did you mean "run"?'),
        ("concurrency: {max: 1, maxx: 1}", "concurrency.maxx", 'Did you mean "max"?'),
        ("prompt: 1", "prompt", "The keys here are: backend, build, "),
    ],
)
def test_an_unknown_key_warns_with_what_was_meant(text, key, hint):
    warning = next(warning for warning in parse(text).warnings if warning.message.startswith("unknown"))

    assert warning.message == f'unknown key "{key}"'
    assert warning.hint.startswith(hint)


def test_the_place_of_an_unknown_key_is_the_key_s():
    (warning,) = parse("build:\n  pyhton: 3.9\n").warnings

    assert (warning.origin.line, warning.origin.column) == (2, 3)


def test_a_strict_reading_refuses_unknown_keys():
    with pytest.raises(ConfigInvalid, match='unknown key "prompt"'):
        parse("prompt: 1", strict=True)


def test_an_unknown_key_is_told_together_with_a_problem():
    with pytest.raises(ConfigInvalid) as caught:
        parse("concurrency:\n  maximum: 1\n")

    assert [problem.message for problem in caught.value.problems] == [
        'schema error in "concurrency": max is required',
        'unknown key "concurrency.maximum"',
    ]


def test_a_missing_requirements_file_is_told_with_other_problems(tmp_path):
    (tmp_path / "cog.yaml").write_text("build:\n  python_requirements: r.txt\n  gpu: maybe\n")

    with pytest.raises(ConfigInvalid) as caught:
        load(tmp_path)

    assert [(problem.message, problem.origin.line) for problem in caught.value.problems] == [
        ('invalid build.python_requirements "r.txt": file does not exist', 2),
        ('schema error in "build.gpu": must be a boolean, not "maybe"', 3),
    ]


@pytest.mark.parametrize("name", ["../secret.txt", "link.txt", "/etc/hostname"])
def test_a_requirements_file_outside_the_project_is_refused(tmp_path, name):
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "secret.txt").write_text("torch")
    (project / "link.txt").symlink_to("../secret.txt")
    (project / "cog.yaml").write_text(f"build:\n  python_requirements: {name}\n")

    with pytest.raises(ConfigInvalid, match="must be inside the project directory"):
        load(project)


@pytest.mark.parametrize("name", [".", "a\\0b", "loop"])
def test_a_requirements_file_that_is_no_file_is_refused(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "cog.yaml").write_text(f'build:\n  python_requirements: "{name}"\n')

    with pytest.raises(ConfigInvalid, match=r"invalid build\.python_requirements"):
        load(tmp_path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigNotFound, match=r"cog\.yaml not found in"):
        load(tmp_path)


def test_a_file_in_another_encoding_is_told_with_its_line(tmp_path):
    (tmp_path / "cog.yaml").write_bytes("image: a\n# caf\u00e9\n".encode("latin-1"))

    with pytest.raises(ConfigInvalid, match=r"cog\.yaml:2: .*not UTF-8"):
        load(tmp_path)


def test_a_folder_in_place_of_the_file_is_told(tmp_path):
    (tmp_path / "cog.yaml").mkdir()

    with pytest.raises(ConfigInvalid, match=r"cannot read cog\.yaml"):
        load(tmp_path)


def test_the_values_cannot_be_changed():
    config = parse(dedent(WHOLE)).config

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        config.image = "other"
