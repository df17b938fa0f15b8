"""The section ``concurrency``: what it takes, what it refuses, and what becomes of it."""

from __future__ import annotations

import json

import pytest

from cog_core.config import Batch, from_json, parse
from cog_core.errors import ConfigInvalid

FULL = """\
concurrency:
  queue: 20
  workers: 2
  threads: 3
  timeout: 1.5
  batch:
    max_size: 4
    window: 0.05
"""


def test_every_key_is_read():
    section = parse(FULL).config.concurrency
    assert section is not None
    assert (section.max, section.queue, section.workers, section.threads, section.timeout) == (None, 20, 2, 3, 1.5)
    assert section.batch == Batch(max_size=4, window=0.05)


def test_a_number_is_the_size_of_a_batch():
    section = parse("concurrency: {batch: 16}").config.concurrency
    assert section is not None
    assert section.batch == Batch(max_size=16)


def test_each_value_knows_its_line():
    loaded = parse(FULL)
    assert loaded.origin("concurrency.queue").line == 2
    assert loaded.origin("concurrency.batch.window").line == 8
    assert not loaded.warnings


def test_the_label_keeps_all_of_it():
    config = parse(FULL).config
    assert json.loads(config.to_json())["concurrency"] == {
        "queue": 20,
        "workers": 2,
        "threads": 3,
        "timeout": 1.5,
        "batch": {"max_size": 4, "window": 0.05},
    }
    assert from_json(config.to_json()).concurrency == config.concurrency


@pytest.mark.parametrize(
    ("line", "message", "column"),
    [
        ("queue: -1", 'invalid concurrency.queue "-1": must be at least 0', 10),
        ("workers: 0", 'invalid concurrency.workers "0": must be at least 1', 12),
        ("threads: 0", 'invalid concurrency.threads "0": must be at least 1', 12),
        ("timeout: 0", 'invalid concurrency.timeout "0": must be above 0', 12),
        ("timeout: .inf", 'schema error in "concurrency.timeout": must be a number, not ".inf"', 12),
        ("timeout: soon", 'schema error in "concurrency.timeout": must be a number, not "soon"', 12),
        ("queue: many", 'schema error in "concurrency.queue": must be an integer, not "many"', 10),
        ("batch: 0", 'invalid concurrency.batch.max_size "0": must be at least 1', 10),
        ("batch: {window: -1}", 'invalid concurrency.batch.window "-1": must be at least 0', 19),
        ("batch: {max_size: 2.5}", 'schema error in "concurrency.batch.max_size": must be an integer, not "2.5"', 21),
        ("batch: [1]", 'schema error in "concurrency.batch": must be a mapping', 3),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(line: str, message: str, column: int):
    with pytest.raises(ConfigInvalid) as caught:
        parse(f"concurrency:\n  {line}\n")
    (problem,) = caught.value.problems
    assert problem.message == message
    assert problem.origin is not None
    assert (problem.origin.line, problem.origin.column) == (2, column)


@pytest.mark.parametrize(
    ("section", "messages"),
    [
        (
            "queue: many, workers: -1",
            [
                'schema error in "concurrency.queue": must be an integer, not "many"',
                'invalid concurrency.workers "-1": must be at least 1',
            ],
        ),
        (
            "max: 0, timeout: soon, batch: {max_size: few, window: -1}",
            [
                'invalid concurrency.max "0": must be at least 1',
                'schema error in "concurrency.timeout": must be a number, not "soon"',
                'schema error in "concurrency.batch.max_size": must be an integer, not "few"',
                'invalid concurrency.batch.window "-1": must be at least 0',
            ],
        ),
        ("queue: many, workers: ", ['schema error in "concurrency.queue": must be an integer, not "many"']),
        ("default_target: x", ['schema error in "concurrency.default_target": must be an integer, not "x"']),
    ],
)
def test_all_that_is_wrong_is_told_at_once_and_no_consequence_of_it(section: str, messages: list[str]):
    with pytest.raises(ConfigInvalid) as caught:
        parse(f"concurrency: {{{section}}}\n")
    assert [problem.message for problem in caught.value.problems] == messages


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("concurrency: {worker: 2}", "concurrency.worker", 'Did you mean "workers"?'),
        ("concurrency: {batch: {size: 2, max_size: 2}}", "concurrency.batch.size", 'Did you mean "max_size"?'),
        ("concurrency: {batch: {delay: 1}}", "concurrency.batch.delay", "The keys here are: max_size, window."),
        ("queue: 5", "queue", 'Write "queue" inside "concurrency".'),
        ("build: {workers: 5}", "build.workers", 'Write "workers" inside "concurrency".'),
        ("timeout: 5", "timeout", 'Write "timeout" inside "concurrency".'),
    ],
)
def test_an_unknown_key_is_told_with_what_was_meant(text: str, key: str, hint: str):
    if text.startswith("concurrency: {worker"):
        text = text.replace("{", "{queue: 1, ")
    (warning,) = parse(text).warnings
    assert (warning.message, warning.hint) == (f'unknown key "{key}"', hint)
    with pytest.raises(ConfigInvalid):
        parse(text, strict=True)


def test_a_section_that_says_nothing_is_refused():
    with pytest.raises(ConfigInvalid, match="max is required") as caught:
        parse("concurrency: {default_target: 2}")
    hint = "Write max, queue, workers, threads, timeout or batch in it, or leave it out."
    assert caught.value.problems[0].hint == hint
