"""How long an image takes after a change of nothing but the code: the embedded backend beside BuildKit.

    python benchmarks/bench_code_only.py [--example hello]

Three sides: `cog_core.build` called in an interpreter that has built before, the whole command `cog build`, and the
engine's own command on the files that `cog debug --output DIR` writes. Without an engine the first two are measured
alone.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from measure import Missing, Row, Side, in_turns, main, milliseconds, place
from sides import change_of, copy_of, engine_name, find_docker, raw_build

import cog_core
from cog_core.settings import Settings

if TYPE_CHECKING:
    import argparse

IMAGE = "cog-bench-code-only"
GOALS = {"in process": 0.35, "as a command": 1.0}
"""Times BuildKit's time."""


def bench(options: argparse.Namespace) -> list[Row]:
    """Measure the three sides."""
    with place() as here, ExitStack() as stack:
        project = copy_of(options.example, here.folder / options.example)
        settings = Settings.from_environ(here.environ)
        sides = [
            Side("in process", lambda: cog_core.build(project, tag=IMAGE, backend="oci", settings=settings)),
            Side("as a command", here.cog("build", "--backend", "oci", "--tag", IMAGE, cwd=project)),
        ]
        sides = [Side(side.name, side.run, change_of(project)) for side in sides]
        try:
            docker = find_docker(here)
        except Missing as missing:
            print(f"without a side to compare with: {missing}")
        else:
            print(engine_name(docker))
            build, context = stack.enter_context(raw_build(project, IMAGE, docker, here))
            change, forget = change_of(context), docker.forget(IMAGE)
            sides.append(Side("BuildKit", build, lambda: (change(), forget())))
        times = in_turns(sides, options.rounds)
    return [_row(options.example, name, goal, times) for name, goal in GOALS.items()]


def _row(example: str, name: str, goal: float, times: dict[str, float]) -> Row:
    value, buildkit = times[name], times.get("BuildKit")
    what, text = f"{example}, code changed, {name}", f"at most {goal}x BuildKit"
    if buildkit is None:
        return Row(what, milliseconds(value), "", text)
    beside = f"BuildKit {milliseconds(buildkit)}: {value / buildkit:.2f}x"
    return Row(what, milliseconds(value), beside, text, met=value <= goal * buildkit)


if __name__ == "__main__":
    main(
        "A build on the embedded backend after a change of the code, beside BuildKit.",
        bench,
        ("--example", {"default": "hello", "help": "which example (hello)"}),
    )
