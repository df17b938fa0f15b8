"""How to reach an engine's builder: three rungs, and the best one that is there is taken.

1. ``docker buildx``: everything that the server's BuildKit can do.
2. ``DOCKER_BUILDKIT=1 docker build`` with a command line older than 23; newer ones refuse without buildx.
3. The classic builder through the API, without mounts.
"""

from __future__ import annotations

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from cog_core.errors import CogError
from cog_core.ir.dockerfile import CLASSIC, EARLY_BUILDKIT, MODERN, Dialect
from cog_core.process import Command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cog_core.process import Runner

_RAWJSON = (0, 13)
"""First buildx with ``--progress rawjson``."""


class RungKind(str, Enum):
    """The three ways."""

    BUILDX = "buildx"
    CLI = "embedded BuildKit"
    CLASSIC = "classic builder"


@attrs.frozen(kw_only=True)
class Rung:
    """A way to the builder, and what the builder understands there.

    Attributes:
        program: Path of the docker command line; empty for the classic builder.
        dialect: The Dockerfile dialect of the server.
        named_contexts: Further folders can be given by name.
        rawjson: Progress can be had as JSON.
    """

    kind: RungKind
    dialect: Dialect
    program: str = ""
    named_contexts: bool = False
    rawjson: bool = False


def choose_rung(server_version: str, environ: Mapping[str, str], run: Runner) -> Rung:
    """Return the highest rung that this machine's command lines and the engine allow.

    Args:
        server_version: The engine's version; features are the server's, whatever the client could do.
        environ: Says where programs are, and is passed on to them.
        run: Starts programs.
    """
    modern = version_tuple(server_version) >= (23,)
    dialect = MODERN if modern else EARLY_BUILDKIT
    programs = list(_programs(environ))
    # Each question is a process of its own that mostly waits, so all are asked at once.
    with ThreadPoolExecutor() as pool:
        buildx = pool.map(lambda program: _buildx_version(program, environ, run), programs)
        clients = pool.map(lambda program: _client_version(program, environ, run), programs)
    for program, version in zip(programs, buildx, strict=True):
        if version:
            return Rung(
                kind=RungKind.BUILDX,
                dialect=dialect,
                program=program,
                named_contexts=modern,
                rawjson=version_tuple(version) >= _RAWJSON,
            )
    for program, version in zip(programs, clients, strict=True):
        if (18, 9) <= version_tuple(version) < (23,):
            return Rung(kind=RungKind.CLI, dialect=dialect, program=program)
    return Rung(kind=RungKind.CLASSIC, dialect=CLASSIC)


def version_tuple(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, such as ``(20, 10, 24)``."""
    return tuple(map(int, re.findall(r"\d+", version.partition("+")[0])))[:3]


def _programs(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield every docker command line on the path, the user's first choice first, and each one once."""
    seen: set[Path] = set()
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        program = shutil.which("docker", path=folder) if folder else None
        if program and (real := Path(program).resolve()) not in seen:
            seen.add(real)
            yield str(Path(program).absolute())


def _buildx_version(program: str, environ: Mapping[str, str], run: Runner) -> str:
    text = _ask(run, environ, program, "buildx", "version")
    found = re.search(r"\bv?(\d+\.\d+\.\d+)", text)
    return found.group(1) if found else ""


def _client_version(program: str, environ: Mapping[str, str], run: Runner) -> str:
    found = re.search(r"version (\d+\.\d+\.\d+)", _ask(run, environ, program, "--version"))
    return found.group(1) if found else ""


def _ask(run: Runner, environ: Mapping[str, str], *argv: str) -> str:
    """Return what a program prints, or nothing when it fails in any way: a broken one is no rung."""
    try:
        completed = run(Command(argv=argv, env=environ, timeout=10))
    except (CogError, OSError):
        return ""
    return "" if completed.code else completed.stdout
