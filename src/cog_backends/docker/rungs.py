"""How to reach an engine's builder: three rungs, and the best one that is there is taken.

1. ``docker buildx``: everything that the server's BuildKit can do.
2. ``DOCKER_BUILDKIT=1 docker build`` with a command line older than 23; newer ones refuse without buildx.
3. The classic builder through the API, without mounts.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

import attrs

from cog_backends.docker.clients import find_clients
from cog_core.ir.dockerfile import CLASSIC, EARLY_BUILDKIT, MODERN, Dialect
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.process import Runner
    from cog_core.settings import Settings

_RAWJSON = (0, 13)
"""First buildx with ``--progress rawjson``."""


class RungKind(str, Enum):
    """The three ways."""

    BUILDX = "buildx"
    CLI = "embedded BuildKit"
    CLASSIC = "classic builder"


@attrs.frozen(kw_only=True)
class Rung(Frozen):
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


def choose_rung(server_version: str, settings: Settings, run: Runner) -> Rung:
    """Return the highest rung that this machine's command lines and the engine allow.

    Args:
        server_version: The engine's version; features are the server's, whatever the client could do.
        settings: Say where programs are.
        run: Starts programs.
    """
    modern = version_tuple(server_version) >= (23,)
    dialect = MODERN if modern else EARLY_BUILDKIT
    clients = find_clients(settings, run)
    for client in clients:
        if client.buildx:
            return Rung(
                kind=RungKind.BUILDX,
                dialect=dialect,
                program=client.program,
                named_contexts=modern,
                rawjson=version_tuple(client.buildx) >= _RAWJSON,
            )
    for client in clients:
        if (18, 9) <= version_tuple(client.version) < (23,):
            return Rung(kind=RungKind.CLI, dialect=dialect, program=client.program)
    return Rung(kind=RungKind.CLASSIC, dialect=CLASSIC)


def version_tuple(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, such as ``(20, 10, 24)``."""
    return tuple(map(int, re.findall(r"\d+", version.partition("+")[0])))[:3]
