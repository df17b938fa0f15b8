"""Every rule about a configuration: its message, and the line and column that it points at."""

from __future__ import annotations

from textwrap import dedent

import pytest

from cog_core.config import parse
from cog_core.errors import ConfigInvalid

NAME_RULE = (
    'must contain only lowercase alphanumeric characters, hyphens, dots, or underscores (e.g. "my-model-weights")'
)
ENVIRONMENT = "invalid environment: environment variable"


def problems(text: str) -> list[tuple[str, int | None, int | None]]:
    with pytest.raises(ConfigInvalid) as caught:
        parse(dedent(text))
    return [
        (p.message, p.origin.line, p.origin.column) if p.origin else (p.message, None, None)
        for p in caught.value.problems
    ]


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("run: a.py:A\npredict: b.py:B", "invalid run: only one of run or predict can be set", 1, 1),
        ("run: ''\npredict: b.py:B", "invalid run: only one of run or predict can be set", 1, 1),
        ("run: a.A", "invalid run \"a.A\": must be in the form 'run.py:Runner'", 1, 6),
        ("run: a.py:A.py:B", "invalid run \"a.py:A.py:B\": must be in the form 'run.py:Runner'", 1, 6),
        ("\npredict:   a.A", "invalid predict \"a.A\": must be in the form 'predict.py:Predictor'", 2, 12),
        ("train: 'a.py:'", "invalid train \"a.py:\": must be in the form 'train.py:Trainer'", 1, 8),
        (
            "build:\n  python_version: 3",
            "invalid build.python_version \"3\": must include major and minor version (e.g., '3.11')",
            2,
            19,
        ),
        ("build: {python_version: x.1}", 'invalid build.python_version "x.1": invalid major version number', 1, 25),
        ("build: {python_version: 3.x}", 'invalid build.python_version "3.x": invalid minor version number', 1, 25),
        (
            "build: {python_version: 3.9.x}",
            'invalid build.python_version "3.9.x": invalid patch version number',
            1,
            25,
        ),
        (
            'build:\n  python_version: "3.7"',
            'invalid build.python_version "3.7": minimum supported Python version is 3.8',
            2,
            19,
        ),
        (
            "build:\n  python_version: 3.15",
            'invalid build.python_version "3.15": newest supported Python version is 3.14',
            2,
            19,
        ),
        (
            "build:\n  python_requirements: r.txt\n  python_packages: [torch]",
            "invalid build: only one of python_packages or python_requirements can be set, not both",
            3,
            3,
        ),
        (
            "build: {cuda: 11}",
            "invalid build.cuda \"11\": must include both major and minor versions (e.g., '11.8')",
            1,
            15,
        ),
        ("build: {cuda: x.8}", 'invalid build.cuda "x.8": invalid major version number', 1, 15),
        ("build: {cuda: 10.2}", 'invalid build.cuda "10.2": minimum supported CUDA version is 11', 1, 15),
        ("environment:\n  - A", f'{ENVIRONMENT} "A" is not in the KEY=VALUE format', 2, 5),
        ("environment:\n  - =1", f'{ENVIRONMENT} "=1" is not in the KEY=VALUE format', 2, 5),
        (
            "environment:\n  - A=1\n  - PATH=/",
            f'{ENVIRONMENT} "PATH" is not allowed: reserved for internal use',
            3,
            5,
        ),
        ("environment: [NVIDIA_X=1]", f'{ENVIRONMENT} "NVIDIA_X" is not allowed: reserved for internal use', 1, 15),
        ("environment:\n  - A=1\n  - A=2", f'{ENVIRONMENT} "A" is already defined', 3, 5),
        ('environment: ["A=1\\n2"]', f'{ENVIRONMENT} "A" has a line break in its value', 1, 15),
        ("concurrency:\n  max: 0", 'invalid concurrency.max "0": must be at least 1', 2, 8),
        (
            "build: {python_version: 3.10}\nconcurrency: {max: 2}",
            'invalid concurrency.max "2": concurrency requires Python 3.11 or higher',
            2,
            20,
        ),
        ("concurrency: {}", 'schema error in "concurrency": max is required', 1, 1),
        (
            "concurrency: {max: 1, default_target: 0}",
            'invalid concurrency.default_target "0": must be at least 1',
            1,
            39,
        ),
        ("image: a\nmodel: b/c", "invalid model: 'model' and 'image' cannot both be set", 2, 8),
        (
            "model: b/c:1",
            'invalid model "b/c:1": must be a bare repository — tags and digests are not allowed',
            1,
            8,
        ),
        (
            "model: b/c@sha256:1",
            'invalid model "b/c@sha256:1": must be a bare repository — tags and digests are not allowed',
            1,
            8,
        ),
    ],
)
def test_a_broken_rule_is_told_with_its_place(text, message, line, column):
    assert problems(text) == [(message, line, column)]


def weights(*entries: str, head: str = "model: r/m\n") -> str:
    return head + "weights:\n" + "".join(f"  - {entry}\n" for entry in entries)


GOOD = "{name: w, target: /w, source: {uri: 'hf://a/b'}}"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (
            weights(GOOD, head="image: i\n"),
            "invalid image: weights require 'model', not 'image' — rename 'image' to 'model'",
            1,
        ),
        (weights(GOOD, head=""), "invalid model: weights require 'model' in cog.yaml", None),
        (weights("{target: /w, source: {uri: u}}"), "invalid weights[0].name: name is required", 3),
        (
            weights("{name: W, target: /w, source: {uri: u}}"),
            f'invalid weights[0].name "W": {NAME_RULE}',
            3,
        ),
        (
            weights(GOOD, "{name: w, target: /v, source: {uri: u}}"),
            'invalid weights[1].name "w": duplicate weight name',
            4,
        ),
        (weights("{name: w, target: /w}"), "invalid weights[0].source: source is required", 3),
        (weights("{name: w, target: /w, source: []}"), "invalid weights[0].source: source is required", 3),
        (
            weights("{name: w, target: /w, source: {include: [a]}}"),
            "invalid weights[0].source.uri: uri is required",
            3,
        ),
        (
            weights("{name: w, target: /w, source: [{uri: u, include: ['']}]}"),
            "invalid weights[0].source[0].include[0]: pattern must not be empty",
            3,
        ),
        (
            weights("{name: w, target: /w, source: {uri: u, exclude: ['!a']}}"),
            "invalid weights[0].source.exclude[0] \"!a\": negation patterns (starting with '!') are not supported",
            3,
        ),
        (
            weights("{name: w, target: /w, source: {uri: u, include: ['a\\b']}}"),
            'invalid weights[0].source.include[0] "a\\b": patterns must use forward slashes, not backslashes',
            3,
        ),
        (weights("{name: w, source: {uri: u}}"), "invalid weights[0].target: target is required", 3),
        (
            weights("{name: w, target: w, source: {uri: u}}"),
            'invalid weights[0].target "w": target must be an absolute path',
            3,
        ),
        (
            weights("{name: w, target: /a/.., source: {uri: u}}"),
            'invalid weights[0].target "/a/..": target must not be the container root "/"',
            3,
        ),
        (
            weights(GOOD, "{name: v, target: /w/, source: {uri: u}}"),
            'invalid weights[1].target "/w/": duplicate weight target',
            4,
        ),
        (
            weights(GOOD, "{name: v, target: /w/x, source: {uri: u}}"),
            'invalid weights[1].target "/w/x": target overlaps with "/w"; weight targets must be disjoint',
            4,
        ),
    ],
)
def test_a_broken_rule_about_weights_is_told_with_its_line(text, message, line):
    assert [problem[:2] for problem in problems(text)] == [(message, line)]


@pytest.mark.parametrize(
    ("text", "message", "place", "hint"),
    [
        ("build:\n  - gpu: true", 'schema error in "build": must be a mapping', (1, 1), "Remove the dashes"),
        ("build: 3.8", 'schema error in "build": must be a mapping, not "3.8"', (1, 8), "one key: value a line"),
        (
            "build: {gpu: maybe}",
            'schema error in "build.gpu": must be a boolean, not "maybe"',
            (1, 14),
            "true or false",
        ),
        (
            "concurrency: {max: many}",
            'schema error in "concurrency.max": must be an integer, not "many"',
            (1, 20),
            None,
        ),
        ("image: [a]", 'schema error in "image": must be a string', (1, 1), "without a dash"),
        (
            "build:\n  python_packages:\n    torch: 2.0",
            'schema error in "build.python_packages": must be a list',
            (2, 3),
            "behind a dash",
        ),
        (
            "build:\n  python_packages:\n    - torch: 2.0",
            'schema error in "build.python_packages[0]": must be a string',
            (3, 7),
            "put the whole line in quotes",
        ),
        (
            "build:\n  system_packages:\n    - a\n    -",
            'schema error in "build.system_packages[1]": must be a string',
            (4, 6),
            "behind the dash",
        ),
        (
            "build:\n  run:\n    - echo a: b",
            'schema error in "build.run[0]": must be a string or a mapping with the key command',
            (3, 7),
            "put the whole line in quotes",
        ),
        (
            "build:\n  run:\n    - command: x\n      mounts: [{type: tmpfs, id: a, target: /b}]",
            'schema error in "build.run[0].mounts[0].type": must be "secret" or "ssh", not "tmpfs"',
            (4, 23),
            None,
        ),
        (
            "build:\n  run:\n    - command: x\n      mounts: [{type: ssh, id: 'a,b'}]",
            (
                'schema error in "build.run[0].mounts[0].id": '
                'must be of letters, digits, dots, dashes and underscores, not "a,b"'
            ),
            (4, 32),
            None,
        ),
        (
            "build:\n  run:\n    - command: x\n      mounts: [{type: secret, id: a}]",
            'schema error in "build.run[0].mounts[0]": target is required',
            (4, 16),
            None,
        ),
        (
            "build:\n  run:\n    - command: x\n      mounts: [{type: secret, id: '', target: /a}]",
            'schema error in "build.run[0].mounts[0].id": must be a name without blanks and commas',
            (4, 35),
            None,
        ),
        (
            'build:\n  run:\n    - command: x\n      mounts: [{type: secret, id: "a\\nb", target: /a}]',
            'schema error in "build.run[0].mounts[0].id": must be a name without blanks and commas, not "a\\nb"',
            (4, 35),
            None,
        ),
        (
            "build:\n  run:\n    - command: x\n      mounts: [{type: secret, id: a, target: b}]",
            'schema error in "build.run[0].mounts[0].target": must be an absolute path, not "b"',
            (4, 46),
            None,
        ),
        (
            "build:\n  system_packages: ffmpeg libsm6",
            'schema error in "build.system_packages": must be a list, not "ffmpeg libsm6"',
            (2, 20),
            "behind a dash",
        ),
    ],
)
def test_a_wrong_shape_is_told_with_what_to_write(text, message, place, hint):
    with pytest.raises(ConfigInvalid) as caught:
        parse(text)

    (problem,) = caught.value.problems
    assert (problem.message, (problem.origin.line, problem.origin.column)) == (message, place)
    assert hint is None or hint in problem.hint


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines():
    found = problems(
        """\
        build:
          python_version: 3.7
          gpu: perhaps
          pyton_packages: [torch]
          system_packages:
            ffmpeg: 1
        run: run.Runner
        environment:
          - PATH=/bin
        """
    )

    assert [line for _, line, _ in found] == [2, 3, 4, 5, 7, 9]
    assert found[2][0] == 'unknown key "build.pyton_packages"'


def test_a_password_in_a_wrong_value_is_not_shown():
    ((message, *_),) = problems("build: https://me:letmein@index.example/simple")

    assert message.endswith('must be a mapping, not "https://index.example/simple"')


def test_a_long_value_is_shortened_and_stays_on_one_line():
    ((message, *_),) = problems("run: |\n  " + "\n  ".join(["x" * 90] * 5))

    assert "\n" not in message
    assert len(message) < 300
