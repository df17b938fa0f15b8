"""Our server beside upstream's own, in one run.

    python benchmarks/runtime [--quick] [--only ROW ...] [--json FILE]

Upstream's is installed from the package index in an environment of its own, ours is laid out as an image has it. Both
run the same model files on this interpreter and log as in production. Each round measures one and then the other; the
table has medians.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).resolve().parent.parent))

from measure import Missing, place
from rows import ROWS, Kit
from servers import UPSTREAM, two_servers

from cog_core.errors import CogError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bars import Line

ROUNDS = 7
_QUICK = 0.2
_HEAD = ("what", "bar (stretch)", "upstream", "ours", "ratio", "")


def main() -> None:
    """Measure, and print the table."""
    options = _options()
    try:
        lines = _measure(options)
    except Missing as missing:
        print(f"not measured: {missing}")
        sys.exit(1 if options.check else 0)
    except CogError as error:
        sys.exit(f"failed: {error.message}")
    if options.json:
        options.json.write_text(json.dumps(_document(lines, options.rounds), indent=1))
    sys.exit(1 if options.check and any(line.verdict == "not met" for line in lines) else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/runtime", description="Our server beside upstream's own.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each side is measured ({ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it works")
    parser.add_argument(
        "--only", nargs="+", metavar="ROW", choices=[row.name for row in ROWS], help="only these rows"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    parser.add_argument("--check", action="store_true", help="fail when a bar is missed or nothing is measured")
    options = parser.parse_args()
    if options.rounds < 5:
        parser.error("medians of fewer than 5 rounds say nothing")
    return options


def _measure(options: argparse.Namespace) -> list[Line]:
    """Print the lines as they come: all of them take minutes."""
    lines: list[Line] = []
    with place() as here, two_servers(here) as servers:
        kit = Kit(servers, here.folder, 1 if options.quick else options.rounds, _QUICK if options.quick else 1.0)
        _print(_HEAD)
        _print(("---",) * len(_HEAD))
        for row in ROWS:
            if not options.only or row.name in options.only:
                found = row.measure(kit)
                for line in found:
                    _print(line.cells)
                lines += found
        print(f"\n{_conditions(kit.rounds)}" + ("; a quick look: these numbers say nothing" if options.quick else ""))
    return lines


def _print(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def _conditions(rounds: int) -> str:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"medians of {rounds}, sides in turns; upstream is {' '.join(UPSTREAM)}; {os.cpu_count()} cores "
        f"({platform.machine()}), {platform.system()} {platform.release()}, {python}, load {load}"
    )


def _document(lines: Sequence[Line], rounds: int) -> dict[str, Any]:
    rows = [
        {
            "what": line.figure.what,
            "unit": line.figure.unit,
            "upstream": line.upstream,
            "ours": line.ours,
            "verdict": line.verdict,
        }
        for line in lines
    ]
    return {"conditions": _conditions(rounds), "rows": rows}


if __name__ == "__main__":
    main()
