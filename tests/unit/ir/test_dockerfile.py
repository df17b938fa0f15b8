"""Plans as Dockerfiles in three dialects, read back by the rules of Docker's documentation."""

from __future__ import annotations

import re

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_core.errors import Origin
from cog_core.ir import (
    Copy,
    Env,
    ImageConfig,
    PythonPackages,
    Run,
    SecretMount,
    SshMount,
    User,
    Workdir,
    Write,
    lower,
)
from cog_core.ir.dockerfile import CLASSIC, EARLY_BUILDKIT, MODERN, render
from tests.unit.ir.dockerfile_reader import instructions, pairs
from tests.unit.ir.projects import LARGE, NASTY, PLANS
from tests.unit.ir.strategies import lines, plans

DIALECTS = {"modern": MODERN, "early-buildkit": EARLY_BUILDKIT, "classic": CLASSIC}
every_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
LOW = {name: lower(plan, frozenset()) for name, plan in PLANS.items()}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", PLANS)
def test_the_dockerfile_of_a_project_is_the_golden_one(name, dialect, golden):
    golden(f"dockerfiles/{name}.{dialect}.Dockerfile", render(LOW[name], DIALECTS[dialect]).text)


def all_labels(dockerfile):
    return pairs(dockerfile.text, "LABEL") | dict(dockerfile.labels)


@every_dialect
@pytest.mark.parametrize("name", PLANS)
def test_all_labels_read_back_to_the_same_values(name, dialect):
    assert all_labels(render(LOW[name], dialect)) == dict(PLANS[name].config.labels)


def test_the_largest_label_is_one_that_no_single_line_could_hold():
    assert len(LARGE) > 70_000
    assert dict(PLANS["labels"].config.labels)["run.cog.openapi_schema"] == LARGE


def test_only_labels_with_line_breaks_stand_outside_the_file():
    outside = render(LOW["labels"], MODERN).labels

    assert outside == (("com.example.newlines", NASTY["com.example.newlines"]),)


def with_labels(*labels):
    return LOW["environment"].with_steps().with_labels(labels)


names = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="=\0"), min_size=1, max_size=10)
nasty = st.text(st.sampled_from("a \t#\\\"'$\n\r\u00a0{}()ä`=") | st.characters(exclude_categories=("Cs",)))
runs = st.builds(
    lambda piece, times: piece * times, st.text(" #\\\"'$a", min_size=1, max_size=3), st.integers(1, 9000)
)


@pytest.mark.parametrize("dialect", [MODERN, CLASSIC])
@settings(max_examples=60)
@given(labels=st.dictionaries(names, nasty, max_size=4))
def test_any_label_reads_back_to_the_same_value(dialect, labels):
    dockerfile = render(with_labels(*labels.items()), dialect)

    assert {name: value for name, value in all_labels(dockerfile).items() if name in labels} == labels


@settings(max_examples=40)
@given(runs, nasty)
def test_a_long_label_reads_back_wherever_it_is_cut(repeated, rest):
    value = f"{repeated}{rest}{repeated}".replace("\n", "").replace("\r", "").replace("\0", "")

    dockerfile = render(with_labels(("a", value)), EARLY_BUILDKIT)

    assert pairs(dockerfile.text, "LABEL")["a"] == value


@given(st.dictionaries(st.text("ABC_", min_size=1, max_size=3), lines, max_size=3))
def test_any_environment_reads_back_to_the_same_values(variables):
    plan = with_labels().with_steps(Env(variables=tuple(variables.items())))

    assert pairs(render(plan, CLASSIC).text, "ENV") == variables


@settings(max_examples=30)
@given(plans)
def test_every_lowered_plan_has_a_form_in_every_dialect(plan):
    low = lower(plan, frozenset())
    for dialect in DIALECTS.values():
        dockerfile = render(low, dialect)
        assert dockerfile.instructions[0].text == f"FROM {low.stage.base.reference}"
        assert not re.search(r"^#\s*syntax", dockerfile.text, re.MULTILINE)


def only(dialect, *steps):
    """Return what is rendered between FROM and the configuration."""
    plan = LOW["environment"].with_steps(*steps)
    count = len(render(plan.with_steps(), dialect).instructions)
    dockerfile = render(plan, dialect)
    return dockerfile, [found.text for found in dockerfile.instructions[1 : len(dockerfile.instructions) - count + 1]]


def test_a_plan_with_meanings_has_no_dockerfile():
    with pytest.raises(TypeError, match="only a lowered plan"):
        render(PLANS["hello"], MODERN)
    with pytest.raises(TypeError, match="PythonPackages is not primitive"):
        only(MODERN, PythonPackages())


def test_the_line_of_the_author_stands_above_the_instruction():
    dockerfile, _ = only(MODERN, Run(script="make", origin=Origin(file="cog.yaml", key="build.run[0]", line=3)))

    assert "# cog.yaml:3 (build.run[0])\nRUN make\n" in dockerfile.text


SCRIPT = 'set -e\ncat <<EOF\n$HOME "x"\nEOF\n'


def test_a_script_of_several_lines_is_a_here_document_or_an_exec_form():
    assert only(MODERN, Run(script=SCRIPT))[1] == [f"RUN <<'EOF1'\n{SCRIPT}EOF1"]
    assert only(CLASSIC, Run(script=SCRIPT))[1] == [r'RUN ["/bin/sh", "-c", "set -e\ncat <<EOF\n$HOME \"x\"\nEOF\n"]']


@every_dialect
@pytest.mark.parametrize("script", ["echo a \\", "echo a \\ \t"])
def test_a_backslash_at_the_end_of_a_command_does_not_swallow_the_next_instruction(script, dialect):
    dockerfile, _ = only(dialect, Run(script=script), Workdir(path="/next"))

    assert "WORKDIR /next" in instructions(dockerfile.text)


def test_a_script_is_run_by_sh_in_every_dialect_whatever_its_first_line_says():
    assert only(MODERN, Run(script="#!/bin/bash\ntrue"))[1] == ['RUN ["/bin/sh", "-c", "#!/bin/bash\\ntrue"]']


def test_mounts_are_options_where_the_builder_knows_them():
    step = Run(
        script="x", mounts=(SecretMount(id="a", target="/s"), SecretMount(id="b", target="/t", required=False))
    )

    assert only(EARLY_BUILDKIT, step)[1] == [
        "RUN --mount=type=secret,id=a,target=/s,required=true --mount=type=secret,id=b,target=/t x"
    ]
    assert only(CLASSIC, step)[1] == ["RUN x"]


def test_an_agent_is_a_mount_where_the_builder_knows_them():
    step = Run(script="x", mounts=(SshMount(), SshMount(id="work")))

    assert only(EARLY_BUILDKIT, step)[1] == [
        "RUN --mount=type=ssh,id=default,required=true --mount=type=ssh,id=work,required=true x"
    ]


def test_a_generated_file_is_a_here_document_that_its_content_cannot_end():
    dockerfile, texts = only(MODERN, Write(path="/a", content="EOF\nEOF1\n$X\n", mode=0o755))

    assert texts == ["COPY --chmod=755 <<'EOF2' /a\nEOF\nEOF1\n$X\nEOF2"]
    assert dockerfile.files == ()


@pytest.mark.parametrize(
    "step",
    [
        Write(path="/a", content="no end of line"),
        Write(path="/a", content=""),
        Write(path="/a", content="dos\r\n"),
        Write(path="/a", content="a" * 65_535 + "\n"),
        Write(path="/a", content="ä" * 40_000 + "\n"),
        Write(path="/with blank", content="a\n"),
    ],
)
def test_what_a_here_document_cannot_hold_travels_as_a_file(step):
    dockerfile, texts = only(MODERN, step)

    assert dockerfile.files == (step,)
    assert dockerfile.contexts == ("files",)
    assert texts[0].startswith("COPY --from=files ")


def test_old_builders_get_generated_files_from_a_context():
    step = Write(path="/opt/a", content="a\n")

    assert only(EARLY_BUILDKIT, step)[1] == ["COPY --from=files /opt/a /opt/a"]
    assert only(CLASSIC, step)[1] == ["COPY files/opt/a /opt/a"]


def test_a_context_goes_by_the_name_that_the_backend_gives_it():
    plan = LOW["environment"].with_steps(Copy(context="runtime", target="/opt/cog", independent=True))

    assert "COPY --link --from=image:1 / /opt/cog" in render(plan, MODERN, {"runtime": "image:1"}).text
    assert "COPY --from=image:1 / /opt/cog" in render(plan, EARLY_BUILDKIT, {"runtime": "image:1"}).text
    assert "COPY runtime/ /opt/cog" in render(plan, CLASSIC).text


def test_names_of_files_are_taken_literally():
    step = Copy(source="a[1]*?$x'.whl", target='/w/$x".whl')

    assert only(MODERN, step)[1] == ["COPY a[[]1][*][?]\\$x\\'.whl /w/\\$x\\\".whl"]
    assert only(MODERN, Copy(source="a b", target="/c"))[1] == ['COPY ["a b", "/c"]']


def test_folders_and_users_are_no_variables():
    assert only(MODERN, Workdir(path="/a b$c\"'"), User(name="$me"))[1] == ["WORKDIR /a b\\$c\\\"\\'", "USER \\$me"]


def test_entry_point_and_command_are_exec_forms():
    plan = LOW["environment"]
    config = ImageConfig(entrypoint=("/x", 'a "b"'), cmd=("c\nd",), ports=("1/tcp",))

    found = instructions(render(attrs.evolve(plan, config=config), CLASSIC).text)

    assert found[-3:] == ["EXPOSE 1/tcp", 'ENTRYPOINT ["/x", "a \\"b\\""]', 'CMD ["c\\nd"]']
