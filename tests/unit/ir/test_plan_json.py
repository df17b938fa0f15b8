"""Plans as JSON: golden files, round trips, digests, and texts that are no plans."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cog_core.ir
from cog_core.errors import CogError, UsageError
from cog_core.ir import Run, digest, from_json, lower, requirements, to_json
from cog_core.ir.json_schema import json_schema
from tests.unit.ir.projects import PLANS
from tests.unit.ir.strategies import plans

PUBLISHED = Path(cog_core.ir.__file__).parent / "plan.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


@pytest.mark.parametrize("name", PLANS)
def test_the_plan_of_a_project_is_the_golden_one(name, golden):
    golden(f"plans/{name}.json", to_json(PLANS[name], indent=2) + "\n")


@pytest.mark.parametrize("name", PLANS)
def test_a_golden_plan_reads_back_and_fits_the_published_schema(name):
    text = to_json(PLANS[name], indent=2)

    assert from_json(text) == PLANS[name]
    assert from_json(text).decisions == PLANS[name].decisions
    VALIDATOR.validate(json.loads(text))


def test_the_published_schema_is_the_one_that_the_types_give():
    published = json.loads(PUBLISHED.read_text("utf-8"))

    assert published == json_schema()
    jsonschema.Draft202012Validator.check_schema(published)


@settings(max_examples=60)
@given(plans)
def test_every_plan_reads_back_equal_with_its_origins_and_decisions(plan):
    again = from_json(to_json(plan))

    assert again == plan
    assert again.decisions == plan.decisions
    assert [step.origin for step in again.steps] == [step.origin for step in plan.steps]
    assert to_json(again) == to_json(plan)


@settings(max_examples=30)
@given(plans)
def test_every_plan_is_utf8_and_fits_the_published_schema(plan):
    VALIDATOR.validate(json.loads(to_json(plan).encode()))


@settings(max_examples=30)
@given(plans)
def test_the_digest_ignores_who_asked_and_why(plan):
    anonymous = plan.with_steps(*(attrs.evolve(step, origin=None) for step in plan.steps))

    assert digest(attrs.evolve(anonymous, decisions=())) == digest(plan)


@settings(max_examples=30)
@given(plans, plans)
def test_two_plans_have_one_digest_exactly_if_they_are_equal(one, other):
    assert (digest(one) == digest(other)) == (one == other)


@settings(max_examples=30)
@given(plans, st.integers(1, 9))
def test_a_change_anywhere_changes_the_digest(plan, seconds):
    assert digest(attrs.evolve(plan, created=plan.created + seconds)) != digest(plan)
    assert digest(plan.with_steps(*plan.steps, Run(script="true"))) != digest(plan)


def test_the_digests_of_the_projects_differ():
    assert len({digest(plan) for plan in PLANS.values()}) == len(PLANS)


HELLO = json.loads(to_json(PLANS["hello"]))
RUN = {"kind": "Run", "mounts": [], "origin": None, "script": "true"}


def changed(**parts):
    return HELLO | parts


def with_step(**step):
    return changed(stage=HELLO["stage"] | {"steps": [step]})


@pytest.mark.parametrize(
    "document",
    [
        *(None, 7, "plan", [], {}, [HELLO]),
        changed(version=2),
        changed(version="1"),
        changed(version=[]),
        {key: value for key, value in HELLO.items() if key != "stage"},
        changed(stage=None),
        changed(stage={"base": RUN, "steps": []}),
        changed(stage=HELLO["stage"] | {"steps": {}}),
        changed(stage=HELLO["stage"] | {"steps": [None]}),
        changed(stage=HELLO["stage"] | {"steps": [HELLO["stage"]["base"]]}),
        changed(created="1"),
        changed(created=1e400),
        changed(created=True),
        changed(platform="linux"),
        changed(platform=7),
        changed(decisions=[{"what": "python"}]),
        changed(config={"labels": [["only a name"]]}),
        changed(config={"labels": [["a", 1]]}),
        changed(config={"user": "root"}),
        changed(surprise=1),
        with_step(**RUN | {"script": 5}),
        with_step(**RUN | {"script": ["rm", "-rf", "/"]}),
        with_step(**RUN | {"mounts": [RUN]}),
        with_step(**RUN | {"kind": "Explode"}),
        with_step(**RUN | {"kind": ["Run"]}),
        with_step(**RUN | {"origin": "cog.yaml"}),
        with_step(**RUN | {"origin": {"file": "cog.yaml", "line": "3"}}),
        with_step(kind="Copy", target="relative"),
        with_step(kind="Copy", target="/src", source="../../etc"),
        with_step(kind="Write", path="/a\nRUN evil", content=""),
        with_step(kind="Write", path="/a", content="", mode="0644"),
        with_step(kind="Env", variables=[["A", "b\nRUN evil"]]),
        with_step(kind="Env", variables=["AB"]),
        with_step(kind="__class__"),
    ],
)
def test_a_document_that_is_no_plan_is_refused_in_one_sentence(document):
    with pytest.raises(UsageError, match=r"^(not a build plan|plan version|invalid platform)"):
        from_json(json.dumps(document))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"version":' + "9" * 5000 + "}", "\0", "NaN"])
def test_a_text_that_is_no_document_is_refused_in_one_sentence(text):
    with pytest.raises(UsageError, match="not a build plan"):
        from_json(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw):
    """A real plan in which one value was replaced by another."""
    document = json.loads(to_json(draw(st.sampled_from(list(PLANS.values())))))
    place = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        inner = place[key]
        if not (isinstance(inner, (dict, list)) and inner) or draw(st.integers(0, 3)) == 0:
            place[key] = draw(json_values)
            return document
        place = inner


@settings(max_examples=60)
@given(damaged())
def test_a_damaged_plan_is_refused_or_one_that_all_readers_can_take(document):
    try:
        plan = from_json(json.dumps(document))
    except CogError:
        return
    assert from_json(to_json(plan)) == plan
    requirements(plan)
    lower(plan, frozenset())
