"""The docker command lines of this machine: which versions they have, asked once and remembered.

Each question is a process that takes longer than much of a small build. An answer holds as long as the program and
its plugin are the same files; and never longer than an hour, for a plugin may lie where only its docker looks.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core.clock import now
from cog_core.errors import CogError
from cog_core.process import Command, Completed, together
from cog_oci.files import replace_file
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cog_core.process import Runner
    from cog_core.settings import Settings

_PATIENCE: Final = 10.0
_FRESH: Final = 3600.0
"""Seconds for which an answer is believed."""
_PLUGINS: Final = ("local/lib", "local/libexec", "lib", "libexec")
"""Folders below ``/usr`` with plugins for all users (docker/cli, ``cli-plugins/manager/manager_unix.go``)."""


@attrs.frozen
class Client(Frozen):
    """A docker command line.

    Attributes:
        program: Its path.
        buildx: Version of its buildx plugin; empty when it has none.
        version: Its own version; empty when it does not say.
    """

    program: str
    buildx: str
    version: str


def find_clients(settings: Settings, run: Runner) -> tuple[Client, ...]:
    """Return every docker command line on the path, the user's first choice first, and each one once.

    Args:
        settings: Say where programs and the cache are; the variables are passed on.
        run: Starts programs.
    """
    file = settings.cache / "docker-clients.json"
    keys = {program: _key(program, settings) for program in _programs(settings.environ)}
    known = _read(file)
    asked = [program for program, key in keys.items() if not _holds(known.get(program), key)]
    for client in _ask_all(asked, settings.environ, run):
        fact = {"key": keys[client.program], "asked": now(), "buildx": client.buildx, "version": client.version}
        known[client.program] = fact
    if any(known[program]["version"] for program in asked):
        with contextlib.suppress(OSError):
            settings.cache.mkdir(parents=True, exist_ok=True)
            replace_file(file, json.dumps(known).encode())
    return tuple(Client(program, known[program]["buildx"], known[program]["version"]) for program in keys)


def _programs(environ: Mapping[str, str]) -> Iterator[str]:
    seen: set[Path] = set()
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        program = shutil.which("docker", path=folder) if folder else None
        if program and (real := Path(program).resolve()) not in seen:
            seen.add(real)
            yield str(Path(program).absolute())


def _key(program: str, settings: Settings) -> list[list[Any]]:
    """Return what tells that a program and what it finds are the same as before."""
    own = Path(settings.environ.get("DOCKER_CONFIG") or settings.home / ".docker")
    folders = (own / "cli-plugins", *(Path("/usr", name, "docker/cli-plugins") for name in _PLUGINS))
    files = (Path(program), own / "config.json", *(folder / "docker-buildx" for folder in folders))
    return [[str(file), *_state(file)] for file in files]


def _state(file: Path) -> tuple[int, ...]:
    try:
        info = file.stat()
    except OSError:
        return ()
    return (info.st_ino, info.st_size, info.st_mtime_ns)


def _read(file: Path) -> dict[str, dict[str, Any]]:
    """Return what was remembered; nothing when that is damaged."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _holds(fact: object, key: list[list[Any]]) -> bool:
    match fact:
        case {"key": known, "asked": int() | float() as asked, "buildx": str(), "version": str(version)}:
            return known == key and bool(version) and 0 <= now() - asked < _FRESH
        case _:
            return False


def _ask_all(programs: Iterable[str], environ: Mapping[str, str], run: Runner) -> list[Client]:
    """Ask all at once: each question is a process that mostly waits."""
    questions = [(program, *words) for program in programs for words in (("buildx", "version"), ("--version",))]
    commands = [Command(argv=argv, env=environ, timeout=_PATIENCE) for argv in questions]
    said = [_said(done) for done in together(functools.partial(_quietly, run), *commands)]
    return [
        Client(argv[0], _found(r"\bv?(\d+\.\d+\.\d+)", plugin), _found(r"version (\d+\.\d+\.\d+)", client))
        for argv, plugin, client in zip(questions[::2], said[::2], said[1::2], strict=True)
    ]


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else ""


def _quietly(run: Runner, command: Command) -> Completed:
    """Run a program that may fail in any way: a broken one is no way to a builder."""
    try:
        return run(command)
    except (CogError, OSError):
        return Completed(command=command, code=1, stdout="", stderr="")


def _said(done: Completed) -> str:
    return "" if done.code else done.stdout
