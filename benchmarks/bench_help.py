"""How long `cog --help` takes as a whole process, beside an interpreter that does nothing.

    python benchmarks/bench_help.py [--why]

With ``--why`` the five imports that take longest by themselves, and the five that take longest with all below them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from measure import Row, Side, in_turns, main, milliseconds, place

if TYPE_CHECKING:
    import argparse

    from measure import Place

GOAL = 0.15
"""Seconds."""
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| +(\S+)")
HELP = "import cog_cli.main; cog_cli.main.run(['--help'])"


def bench(options: argparse.Namespace) -> list[Row]:
    """Measure both."""
    with place() as here:
        sides = (
            Side("help", here.cog("--help", cwd=here.folder)),
            Side("nothing", here.command(sys.executable, "-c", "pass")),
        )
        times = in_turns(sides, options.rounds)
        if options.why:
            _explain(here, options.rounds)
    text = f"python -c pass {milliseconds(times['nothing'])}: +{milliseconds(times['help'] - times['nothing'])}"
    return [Row("cog --help", milliseconds(times["help"]), text, milliseconds(GOAL), met=times["help"] <= GOAL)]


def _explain(here: Place, rounds: int) -> None:
    """Print the slowest imports; the least of several runs is what is theirs and not the machine's."""
    own: dict[str, int] = {}
    whole: dict[str, int] = {}
    for _ in range(rounds):
        argv = (sys.executable, "-X", "importtime", "-c", HELP)
        done = subprocess.run(argv, env=here.environ, capture_output=True, text=True, check=True)
        for alone, with_all, name in _LINE.findall(done.stderr):
            own[name] = min(own.get(name, sys.maxsize), int(alone))
            whole[name] = min(whole.get(name, sys.maxsize), int(with_all))
    for title, times in (("by themselves", own), ("with all below them", whole)):
        slowest = sorted(times, key=lambda name: -times[name])[:5]
        print(f"slowest imports {title}:", ", ".join(f"{name} {times[name] / 1000:.1f} ms" for name in slowest))


if __name__ == "__main__":
    main(
        "The time of cog --help.",
        bench,
        ("--why", {"action": "store_true", "help": "name the slowest imports"}),
    )
