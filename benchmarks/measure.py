"""What the benchmarks share: sides that are measured in turns, medians, and a table with goals."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cog_core.errors import CogError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROUNDS = 7


class Missing(Exception):
    """Something that a benchmark needs is not on this machine; the message says what."""


@dataclass(frozen=True)
class Side:
    """One of the things that are compared: what is timed, and what happens before that without being timed."""

    name: str
    run: Callable[[], object]
    prepare: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Row:
    """A line of the result; ``met`` is None where there is no goal, or nothing to compare with."""

    what: str
    value: str
    beside: str = ""
    goal: str = ""
    met: bool | None = None


def in_turns(sides: Sequence[Side], rounds: int) -> dict[str, float]:
    """Return each side's median in seconds: a b c, a b c, ...; a first round fills caches and does not count."""
    times: dict[str, list[float]] = {side.name: [] for side in sides}
    for number in range(rounds + 1):
        for side in sides:
            side.prepare()
            started = time.perf_counter()
            side.run()
            if number:
                times[side.name].append(time.perf_counter() - started)
    return {name: statistics.median(found) for name, found in times.items()}


@dataclass(frozen=True)
class Place:
    """A temporary folder with caches of its own, and the environment that makes programs use them."""

    folder: Path
    environ: Mapping[str, str]

    def command(self, *argv: str | Path, cwd: Path | None = None) -> Callable[[], None]:
        """Return an action that runs a program to its end, and fails with its output when it fails."""

        def run() -> None:
            done = subprocess.run(argv, cwd=cwd, env=self.environ, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{' '.join(map(str, argv))}\nended with {done.returncode}:\n{done.stderr[-2000:]}")

        return run

    def cog(self, *arguments: str | Path, cwd: Path) -> Callable[[], None]:
        """Return an action that runs the program ``cog`` of this environment, whoever else is called so."""
        return self.command(Path(sys.executable).with_name("cog"), *arguments, cwd=cwd)


@contextmanager
def place() -> Iterator[Place]:
    """Yield a place; it is gone in the end.

    Bytecode is kept in it, as an installed program has it, even where the environment says to write none.
    """
    with tempfile.TemporaryDirectory(prefix="cog-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        dropped = {"PYTHONDONTWRITEBYTECODE", "COG_BACKEND", "COG_BASE_IMAGE"}
        environ = {name: value for name, value in os.environ.items() if name not in dropped}
        environ["COG_CACHE_DIR"] = str(folder / "cache")
        environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
        yield Place(folder, environ)


def milliseconds(seconds: float) -> str:
    """Return a time for a table."""
    return f"{seconds * 1000:.0f} ms"


Flag = tuple[str, dict[str, Any]]
"""An option, as ``argparse`` takes it."""


def main(description: str, bench: Callable[[argparse.Namespace], Sequence[Row]], *flags: Flag) -> None:
    """Run a benchmark and print its table.

    Ends with 0 when it was measured, or could not be for want of something, which is then said; with ``--check`` a
    missed goal and a missing thing end with 1, and so does a failure always.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each side is measured ({ROUNDS})")
    parser.add_argument("--check", action="store_true", help="fail when a goal is missed or nothing is measured")
    for name, settings in flags:
        parser.add_argument(name, **settings)
    options = parser.parse_args()
    if options.rounds < 5:
        parser.error("medians of fewer than 5 rounds say nothing")
    try:
        rows = bench(options)
    except Missing as missing:
        print(f"not measured: {missing}")
        sys.exit(1 if options.check else 0)
    except CogError as error:
        sys.exit(f"failed: {error.message}")
    _show(rows, options.rounds)
    sys.exit(1 if options.check and any(row.met is False for row in rows) else 0)


def _show(rows: Sequence[Row], rounds: int) -> None:
    verdict = {None: "", True: "met", False: "missed"}
    lines = [("", "median", "beside", "goal", "")]
    lines += [(row.what, row.value, row.beside, row.goal, verdict[row.met]) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"medians of {rounds}, sides in turns; {os.cpu_count()} cores ({platform.machine()}), load {load}, "
        f"Python {platform.python_version()}"
    )
