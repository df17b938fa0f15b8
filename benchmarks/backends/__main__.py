"""Every backend that is usable here, beside its engine by hand and upstream's way, in one table.

    python benchmarks/backends [--only NAME ...] [--rounds 5] [--base DIR] [--no-builds | --no-contexts]

``cold`` does every step anew (``--no-cache``); base images, packages and locks are there. ``code`` comes after a
change of the model's code, ``nothing`` changes nothing. The engine by hand builds what ``cog debug --output DIR``
writes. Upstream's way is that of Replicate's Cog: the same Dockerfile, then a container that reads the schema, then a
second build that adds labels. Then contexts: many small files, and two gigabytes.
"""

from __future__ import annotations

import sys
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).resolve().parent.parent))

from builders import Builder, builders
from contexts import FILES, huge_file, is_room, many_files, measured
from measure import Row, Side, in_turns, main, milliseconds, place
from sides import change_of, copy_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from measure import Place

FACTOR, ADDED = 1.15, 0.3
"""At most 1.15 times the engine's time and 0.3 s."""
CONTEXT_FACTOR = 1.5
MEMORY = 150_000_000
"""Bytes of our own process."""
KINDS = ("cold", "code", "nothing")
Sides = dict[str, dict[str, Side]]


def bench(options: argparse.Namespace) -> list[Row]:
    """Measure all that is here."""
    with place() as here:
        found = list(builders(here, options.only, options.base))
        rows = [] if options.no_builds else [row for each in found for row in _compared(each, here, options)]
        if not options.no_contexts:
            rows += [row for each in found for row in _many(each, here, options.rounds)]
            rows += [_huge(each, here) for each in found] if is_room(here.folder) else []
    return rows


def _compared(builder: Builder, here: Place, options: argparse.Namespace) -> list[Row]:
    """Measure a backend, its engine by hand, and upstream's way."""
    print(f"measuring {builder.name}", file=sys.stderr)
    project = _copy(options.example, here, builder)
    with _images(builder) as (ours, raw, upstream):
        sides = [_sides("cog", builder.build(project, ours, "--no-cache"), builder.build(project, ours), project)]
        if builder.engine:
            build, anew, folder = builder.by_hand(project, raw)
            sides.append(_sides("engine", anew, build, folder))
        if builder.engine and builder.backend == "docker":
            build, anew, folder = builder.like_upstream(project, upstream)
            sides.append(_sides("upstream's way", anew, build, folder))
        times = {kind: in_turns([side[kind] for side in sides], options.rounds) for kind in KINDS}
    return [_row(f"{builder.name}: {kind}", times[kind]) for kind in KINDS]


def _sides(name: str, anew: Callable[[], None], build: Callable[[], None], folder: Path) -> dict[str, Side]:
    return {"cold": Side(name, anew), "code": Side(name, build, change_of(folder)), "nothing": Side(name, build)}


def _row(what: str, times: dict[str, float]) -> Row:
    ours, engine, upstream = times["cog"], times.get("engine"), times.get("upstream's way")
    if engine is None:
        return Row(what, milliseconds(ours))
    beside = f"engine {milliseconds(engine)}: {ours / engine:.2f}x, {ours - engine:+.2f} s"
    beside += f"; upstream's way {milliseconds(upstream)}: {ours / upstream:.2f}x" if upstream else ""
    return Row(
        what, milliseconds(ours), beside, f"at most {FACTOR}x + {ADDED} s", met=ours <= FACTOR * engine + ADDED
    )


def _many(builder: Builder, here: Place, rounds: int) -> Iterator[Row]:
    """Build with many small files; nothing changes, so that what is measured is finding and comparing them."""
    if not builder.engine:
        return
    project = _copy("hello", here, builder, "many")
    many_files(project)
    with _images(builder) as (ours, raw, _):
        build, _, _ = builder.by_hand(project, raw)
        times = in_turns((Side("cog", builder.build(project, ours)), Side("engine", build)), rounds)
    cog, engine = times["cog"], times["engine"]
    beside = f"engine {milliseconds(engine)}: {cog / engine:.2f}x"
    goal = f"at most {CONTEXT_FACTOR}x"
    yield Row(f"{builder.name}: {FILES} files", milliseconds(cog), beside, goal, met=cog <= CONTEXT_FACTOR * engine)


def _huge(builder: Builder, here: Place) -> Row:
    """Build with 2 GiB and look at the memory of our own process; one build says it, for it varies little."""
    print(f"measuring {builder.name} with 2 GiB", file=sys.stderr)
    project = _copy("hello", here, builder, "huge")
    huge_file(project)
    peak = here.folder / "peak"
    with _images(builder) as (ours, _, _):
        base = ("--base-image", f"oci:{builder.base}") if builder.base else ()
        words = measured(peak, "build", "--backend", builder.backend, "--progress", "plain", "--tag", ours, *base)
        builder.place.command(*words, cwd=project)()
    memory = int(peak.read_text())
    text = f"{memory / 1e6:.0f} MB"
    return Row(f"{builder.name}: peak memory, 2 GiB", text, "", f"{MEMORY / 1e6:.0f} MB", met=memory <= MEMORY)


def _copy(example: str, here: Place, builder: Builder, kind: str = "small") -> Path:
    name = "".join(letter for letter in builder.name if letter.isalnum())
    return copy_of(example, here.folder / f"{kind}-{name}")


@contextmanager
def _images(builder: Builder) -> Iterator[tuple[str, str, str]]:
    """Yield names for images that are gone in the end."""
    names = tuple(f"cog-bench-{kind}-{uuid.uuid4().hex[:8]}" for kind in ("ours", "raw", "upstream"))
    try:
        yield names  # type: ignore[misc]
    finally:
        for name in names:
            builder.forget(name)


if __name__ == "__main__":
    main(
        "Every backend beside its engine by hand.",
        bench,
        ("--only", {"nargs": "+", "default": [], "help": "only these backends"}),
        ("--example", {"default": "hello", "help": "which example (hello)"}),
        (
            "--base",
            {"default": "", "help": "OCI layout with the base image, for BuildKit where it reaches no registry"},
        ),
        ("--no-builds", {"action": "store_true", "help": "measure large contexts alone"}),
        ("--no-contexts", {"action": "store_true", "help": "leave large contexts out"}),
    )
