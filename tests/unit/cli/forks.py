"""Runs the program many times without importing it each time: a process that forks for every call.

Started as ``python forks.py``; it reads a JSON object a line and answers each with the exit code.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback

MODULES = (
    "rich.live",
    "cog_backends.docker.backend",
    "cog_backends.oci.backend",
    "cog_cli.answers",
    "cog_cli.by_hand",
    "cog_cli.login",
)


def main() -> None:
    """Import the program, then fork for each line of input."""
    from cog_cli.app import COMMANDS

    for name in (*MODULES, *(f"cog_cli.commands.{command}_command" for command in COMMANDS)):
        importlib.import_module(name)
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(job)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become(job: dict[str, object]) -> None:
    """Be the program, as if it had been started with these arguments."""
    from cog_cli.main import main as program

    os.chdir(str(job["cwd"]))
    environ = job["env"]
    assert isinstance(environ, dict)
    os.environ.clear()
    os.environ.update(environ)
    for number, (path, flags) in enumerate(
        ((job["stdin"], os.O_RDONLY), (job["stdout"], os.O_WRONLY), (job["stderr"], os.O_WRONLY))
    ):
        opened = os.open(str(path), flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, closefd=False)
    code: object = 1
    try:
        words = job["argv"]
        assert isinstance(words, list)
        program(words)
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - what the interpreter would do
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
