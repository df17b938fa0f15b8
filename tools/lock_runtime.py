"""Lock what the runtime's server imports: ``python tools/lock_runtime.py [--upgrade]``.

Reads ``src/cog_runtime/locks/server.in`` and writes ``server.txt`` beside it: exact versions with the hashes of all
their files, and a marker wherever Pythons from 3.8 on need different versions, so that one file is the lock of every
Python and platform. Without ``--upgrade`` versions stay as they are as long as they fit. Addresses of package indices
are not written. After an upgrade run ``nox -s matrix``: the server has to start on the oldest and the newest Python.
"""

from __future__ import annotations

import sys
from pathlib import Path

import uv

from cog_core.process import Command, run
from cog_core.values import PYTHONS

LOCKS = Path(__file__).resolve().parent.parent / "src" / "cog_runtime" / "locks"
HEADER = "# Made by tools/lock_runtime.py from server.in; every file that may be installed is named by its hash.\n"


def main(arguments: list[str]) -> int:
    """Write the lock."""
    lock = LOCKS / "server.txt"
    command = (
        uv.find_uv_bin(),
        *("pip", "compile", "--universal", "--python-version", PYTHONS[0]),
        *("--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", "--only-binary", ":all:"),
        *("--output-file", str(lock), *arguments, str(LOCKS / "server.in")),
    )
    done = run(Command(argv=command, cwd=LOCKS))
    if done.code:
        sys.stderr.write(done.stderr)
        return done.code
    text = "".join(line for line in lock.read_text().splitlines(keepends=True) if not line.startswith("#"))
    lock.write_text(HEADER + text)
    print(f"{lock}: {text.count('==')} versions")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
