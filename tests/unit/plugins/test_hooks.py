"""Hooks that plugins implement, on the plan of a real project."""

from __future__ import annotations

import pytest

from cog_core.errors import PluginError, UsageError
from cog_core.events import Warned
from cog_core.ir import ImageBase, PythonBase, Run
from cog_core.plugins import hookimpl
from tests.unit.plugins.kit import planned


class Base:
    @hookimpl
    def cog_base_image(self, resolved):
        return f"registry.example.com/python:{resolved.python.series}"


class Undecided:
    @hookimpl
    def cog_base_image(self):
        return None


class Agent:
    @hookimpl(wrapper=True)
    def cog_build_plan(self, inputs):
        plan = yield
        return plan.with_steps(Run(script="install-agent"), *plan.steps)


class Label:
    def __init__(self, labels):
        self.labels = labels

    @hookimpl
    def cog_image_labels(self, plan, resolved):
        return self.labels


class Raises:
    def __init__(self, error):
        self.error = error

    @hookimpl
    def cog_image_labels(self):
        raise self.error


class Forgets:
    @hookimpl(wrapper=True)
    def cog_build_plan(self):
        yield


class YieldsTwice:
    @hookimpl(wrapper=True)
    def cog_build_plan(self):
        plan = yield
        yield plan


class RaisesInWrapper:
    @hookimpl(wrapper=True)
    def cog_build_plan(self):
        plan = yield
        return plan.with_steps(*plan.steps[: 1 // 0])


class ExitsInWrapper:
    @hookimpl(wrapper=True)
    def cog_build_plan(self):
        yield
        raise SystemExit(0)


class Number:
    @hookimpl
    def cog_base_image(self):
        return 42


class Second(Agent):
    @hookimpl(wrapper=True)
    def cog_build_plan(self, inputs):
        plan = yield
        return plan.with_steps(*plan.steps, Run(script=f"after {len(plan.steps)} steps"))


def why(plan, what):
    return next(decision.because for decision in plan.decisions if decision.what == what)


def test_without_plugins_the_base_is_left_to_the_backend(tmp_path):
    assert isinstance(planned(tmp_path).stage.base, PythonBase)


def test_a_plugin_names_the_base_and_the_plan_says_so(tmp_path):
    plan = planned(tmp_path, Base(), Undecided())

    assert plan.stage.base == ImageBase(reference="registry.example.com/python:3.12", python=plan.stage.base.python)
    assert why(plan, "base") == "a plugin asks for it"


def test_the_caller_then_the_environment_then_plugins_choose_the_base(tmp_path):
    environ = {"COG_BASE_IMAGE": "env:1"}

    assert planned(tmp_path, Base(), environ=environ, base="own:1").stage.base.reference == "own:1"
    assert planned(tmp_path, Base(), environ=environ).stage.base.reference == "env:1"
    assert planned(tmp_path, Undecided()).stage.base == planned(tmp_path).stage.base


def test_a_plugin_adds_steps_around_cores_plan(tmp_path):
    plan = planned(tmp_path, Agent())

    assert plan.steps == (Run(script="install-agent"), *planned(tmp_path).steps)


def test_labels_of_plugins_are_added_and_those_of_the_caller_win(tmp_path):
    plan = planned(tmp_path, Label({"com.example.team": "vision", "a": "1"}), Label(None), labels={"a": "2"})

    labels = dict(plan.config.labels)
    assert labels["com.example.team"] == "vision"
    assert labels["a"] == "2"
    assert list(labels) == sorted(labels)


def test_two_plugins_may_agree_about_a_label(tmp_path):
    plan = planned(tmp_path, Label({"a": "1"}), Label({"a": "1"}))

    assert dict(plan.config.labels)["a"] == "1"


@pytest.mark.parametrize(
    ("registered", "message"),
    [
        (
            [Label({"a": "1"}), Label({"a": "2"})],
            r"two plugins set the label 'a': a plugin to '\d' and a plugin to '\d'",
        ),
        ([Label({"run.cog.version": "9"})], "a plugin sets the label 'run.cog.version', which belongs to Cog"),
        ([Raises(KeyError("x"))], "a plugin failed in cog_image_labels: KeyError: 'x'"),
        ([RaisesInWrapper()], "a plugin failed in cog_build_plan: ZeroDivisionError"),
        ([ExitsInWrapper()], "a plugin failed in cog_build_plan: SystemExit: 0"),
    ],
)
def test_what_plugins_do_wrong_is_said_in_one_line(tmp_path, registered, message):
    with pytest.raises(PluginError, match=message):
        planned(tmp_path, *registered)


@pytest.mark.parametrize(
    ("nonsense", "fact"),
    [
        (
            Label({"a": 1}),
            "a plugin: cog_image_labels returned {'a': 1}; labels are texts by name, so it is left out",
        ),
        (Label("ab"), "cog_image_labels returned 'ab'"),
        (Forgets(), "a plugin: cog_build_plan returned None instead of a plan, so it is left out"),
        (YieldsTwice(), "cog_build_plan returned 'twice'"),
        (Number(), "cog_base_image returned 42 instead of an image's name"),
    ],
)
def test_an_answer_that_makes_no_sense_is_left_out_with_a_warning(tmp_path, nonsense, fact):
    heard = []

    plan = planned(tmp_path, nonsense, emit=heard.append)

    assert plan == planned(tmp_path)
    (warning,) = (event for event in heard if isinstance(event, Warned))
    assert fact in warning.message
    assert "COG_DISABLE_PLUGINS" in warning.hint


def test_wrappers_that_come_first_see_what_the_others_made(tmp_path):
    plain = len(planned(tmp_path).steps)

    # pluggy calls whoever was registered last first: here that is Second.
    plan = planned(tmp_path, Agent(), Second())

    assert plan.steps[0] == Run(script="install-agent")
    assert plan.steps[-1] == Run(script=f"after {plain + 1} steps")


def test_an_error_that_a_plugin_words_itself_is_passed_on(tmp_path):
    with pytest.raises(UsageError, match="set TEAM first"):
        planned(tmp_path, Raises(UsageError("set TEAM first")))
