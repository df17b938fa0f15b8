"""What importing the SDK costs a model, above ``pathlib`` and ``typing``, which nearly every model imports anyway.

    python benchmarks/bench_import.py [--why]

With ``--why`` the imports that take longest by themselves. Times are those of the processor, of the quickest of all
rounds: what is more is other work on the machine.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Row, main, milliseconds, place

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

GOAL = 0.015
"""Seconds."""
ROUNDS = 3
"""How many processes of each side a round has: they take some 30 ms."""
BASE = "import pathlib, typing"
SIDES = {
    "nothing else": "pass",
    "import cog": "import cog",
    "from cog import BasePredictor, Input, Path": "from cog import BasePredictor, Input, Path",
}
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| +(\S+)")
_SOURCE = Path(__file__).resolve().parents[1] / "src"


def bench(options: argparse.Namespace) -> list[Row]:
    """Measure all sides."""
    with place() as here:
        best = dict.fromkeys(SIDES, float("inf"))
        for _ in range(options.rounds * ROUNDS + 1):
            for name, statement in SIDES.items():
                best[name] = min(best[name], _seconds(statement, here.environ))
        if options.why:
            _explain(here.environ)
    base = best.pop("nothing else")
    text = f"pathlib and typing {milliseconds(base)}"
    return [
        Row(name, f"{(seconds - base) * 1000:+.1f} ms", text, milliseconds(GOAL), met=seconds - base <= GOAL)
        for name, seconds in best.items()
    ]


def _python(environ: Mapping[str, str], *flags: str) -> list[str]:
    """Return an interpreter that sees the standard library and the SDK, and keeps bytecode where it belongs."""
    return [sys.executable, "-I", "-S", "-X", f"pycache_prefix={environ['PYTHONPYCACHEPREFIX']}", *flags, "-c"]


def _seconds(statement: str, environ: Mapping[str, str]) -> float:
    program = (
        f"import sys, time; sys.path.insert(0, {str(_SOURCE)!r}); begin = time.process_time()\n"
        f"{BASE}\n{statement}\nprint(time.process_time() - begin)"
    )
    return float(subprocess.check_output([*_python(environ), program], text=True))


def _explain(environ: Mapping[str, str]) -> None:
    program = f"import sys; sys.path.insert(0, {str(_SOURCE)!r})\n{BASE}\n{SIDES[next(reversed(SIDES))]}"
    command = [*_python(environ, "-X", "importtime"), program]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    after = said.rpartition(" typing\n")[2]
    own = {name: int(alone) for alone, _, name in _LINE.findall(after)}
    slowest = sorted(own, key=lambda name: -own[name])[:8]
    print("slowest by themselves:", ", ".join(f"{name} {own[name] / 1000:.1f} ms" for name in slowest))


if __name__ == "__main__":
    main(
        "The time that importing the SDK takes.",
        bench,
        ("--why", {"action": "store_true", "help": "name the slowest imports"}),
    )
