"""All checks: style, types, architecture and tests, in an environment of their own.

With COG_TEST_ENGINES=install (Debian, root) the tests bring container engines up themselves and a missing one is a
failure; without it they use what is there and list what they skipped.
"""

from __future__ import annotations

import os
import sys

from bootstrap import environment, run, say

SESSIONS = ("lint", "types", "architecture", "tests")


def main() -> None:
    """Run the sessions of noxfile.py that every change has to pass."""
    python = environment("dev", "dev.txt")
    sessions = sys.argv[1:] or list(SESSIONS)
    path = f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    # Hundreds of processes start in the tests: without compiled modules each would compile the program anew.
    bytecode = {"PYTHONDONTWRITEBYTECODE": ""}
    run([str(python), "-m", "nox", "--non-interactive", "--no-venv", "--session", *sessions], PATH=path, **bytecode)
    say("all checks passed. Next: CONTRIBUTING.md says how a change gets in")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
