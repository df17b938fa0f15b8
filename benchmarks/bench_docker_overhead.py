"""What `cog build --backend docker` takes beside the engine's own command on the same files.

    python benchmarks/bench_docker_overhead.py

The engine's command is the script that `cog debug --output DIR` writes, run on the Dockerfile and contexts there.
Both sides start warm; measured are a build of nothing new, and one after a change of the model's code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from measure import Row, Side, in_turns, main, milliseconds, place
from sides import change_of, copy_of, engine_name, find_docker, raw_build

if TYPE_CHECKING:
    import argparse

    from measure import Place
    from sides import Docker

FACTOR, ADDED = 1.15, 0.3
"""At most 1.15 times the engine's time and 0.3 s."""
GOAL = f"at most {FACTOR}x + {ADDED} s"


def bench(options: argparse.Namespace) -> list[Row]:
    """Measure all examples."""
    with place() as here:
        docker = find_docker(here)
        print(engine_name(docker))
        return [row for example in options.examples for row in _example(example, docker, here, options.rounds)]


def _example(example: str, docker: Docker, here: Place, rounds: int) -> list[Row]:
    ours, raw = f"cog-bench-{example}", f"cog-bench-raw-{example}"
    project = copy_of(example, here.folder / example)
    cog = here.cog("build", "--backend", "docker", "--progress", "plain", "--tag", ours, cwd=project)
    rows = []
    try:
        with raw_build(project, raw, docker, here) as (build, context):
            forget, forget_raw = docker.forget(ours), docker.forget(raw)
            sides = (Side("engine", build, forget_raw), Side("cog", cog, forget))
            rows.append(_row(f"{example}, nothing changed", in_turns(sides, rounds)))
            change, change_raw = change_of(project), change_of(context)
            sides = (
                Side("engine", build, lambda: (change_raw(), forget_raw())),
                Side("cog", cog, lambda: (change(), forget())),
            )
            rows.append(_row(f"{example}, code changed", in_turns(sides, rounds)))
    finally:
        docker.engine.remove(ours)
    return rows


def _row(what: str, times: dict[str, float]) -> Row:
    cog, engine = times["cog"], times["engine"]
    beside = f"engine {milliseconds(engine)}: {cog / engine:.2f}x, {cog - engine:+.2f} s"
    return Row(what, milliseconds(cog), beside, GOAL, met=cog <= FACTOR * engine + ADDED)


if __name__ == "__main__":
    main(
        "Overhead of cog build over the engine's own command.",
        bench,
        ("--examples", {"nargs": "+", "default": ["hello", "digits"], "help": "which examples"}),
    )
