"""What a BuildKit server says about itself."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_backends.buildkit.fixes import NAME_ONE, NotUsable, install, reach, wants_certificates
from cog_backends.buildkit.known_client import KnownClient
from cog_core.process import Command, CommandNotFound, ProcessTimeout, together
from cog_core.values import Platform
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_backends.buildkit.address import Server
    from cog_core.process import Completed, Runner
    from cog_core.settings import Settings

OLDEST: Final = (0, 13)
"""First BuildKit with ``rewrite-timestamp`` and ``--progress rawjson`` (release notes of v0.13.0)."""
_DIALLING: Final = "5"
_ANSWERING: Final = 15.0
"""Seconds; a pod or a machine behind ssh takes its time."""
_LAYERS = re.compile(r"^failed to (?:call info|list workers): .*?desc = \"(?:transport: )?(?:Error while dialing: )?")
_TUNNEL = re.compile(r"command \[(\S+) .*?\] has exited with exit status (\d+).*?: stderr=(.*)", re.DOTALL)
"""What is said of ``ssh``, ``docker``, ``podman`` and ``kubectl`` (docker/cli, commandconn)."""
_LONGEST: Final = 500
"""Characters of a reason."""
_DEVELOPMENT: Final = (0, 0, 0)
"""What a server says that was built without release information."""


@attrs.frozen(kw_only=True)
class Facts(Frozen):
    """A server that answered.

    Attributes:
        version: As it says, without the leading ``v``.
        platforms: What it builds for, its own first: those of its first worker, which has every build
            (moby/buildkit, solver/llbsolver, the default worker).
        workers: How many it has.
    """

    version: str
    platforms: tuple[Platform, ...]
    workers: int = 1

    @property
    def names(self) -> str:
        """The platforms for people, without the variants of each."""
        return ", ".join(dict.fromkeys(f"{one.os}/{one.architecture}" for one in self.platforms))

    def builds_for(self, platform: Platform) -> bool:
        """Whether it runs programs of a platform, by itself or by emulation."""
        return any((one.os, one.architecture) == (platform.os, platform.architecture) for one in self.platforms)


def ask(server: Server, settings: Settings, run: Runner) -> Facts:
    """Ask a server what it is.

    Raises:
        NotUsable: There is no ``buildctl``, nothing answers, or it is too old.
    """
    workers = server.argv("--timeout", _DIALLING, "debug", "workers", "--format", "{{json .}}")
    client = KnownClient(settings)
    done, *said = _asked(server, settings, run, workers, *(() if client.is_known else (("buildctl", "--version"),)))
    for each in said:
        _check_client(each)
        client.remember()
    if done.code:
        raise NotUsable(
            f"no BuildKit server answers at {server.address}: {_told(done.stderr, server)}",
            fix=reach(server.address, done.stderr, settings.environ),
        )
    facts = read_workers(done.stdout)
    if is_old(facts.version):
        raise NotUsable(
            f"the BuildKit server at {server.address} is {facts.version}, older than {_text(OLDEST)}",
            fix=install() if server.address.startswith("unix:") else None,
        )
    return facts


def read_workers(text: str) -> Facts:
    """Read what ``buildctl debug workers --format '{{json .}}'`` prints.

    Raises:
        NotUsable: It has another form, or lists no worker.
    """
    try:
        workers = json.loads(text)
        platforms = tuple(dict.fromkeys(_platforms(workers[0])))
        version = str((workers[0].get("buildkitVersion") or {}).get("version") or "")
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise NotUsable("the BuildKit server does not say what its workers are") from error
    return Facts(version=version.removeprefix("v"), platforms=platforms, workers=len(workers))


def is_old(version: str) -> bool:
    """Whether a version lacks what is used here; one without numbers is a build of somebody's own, taken as new."""
    numbers = tuple(map(int, re.findall(r"\d+", version.partition("+")[0].partition("-")[0])))[:3]
    return bool(numbers) and numbers != _DEVELOPMENT and numbers < OLDEST


def reason(stderr: str) -> str:
    """Return the last thing that ``buildctl`` says, without the layers that it passed through."""
    lines = [line for line in stderr.splitlines() if line.strip() and not line.startswith("{")]
    if not lines:
        return "it gave no reason"
    text = lines[-1].removeprefix("error: ").removeprefix("failed to solve: ").strip()
    if tunnel := _TUNNEL.search(text):
        return _of_tunnel(*tunnel.groups())
    return _LAYERS.sub("", text).rstrip('"')[:_LONGEST]


def _of_tunnel(program: str, status: str, said: str) -> str:
    """Return the last line of the program that ``buildctl`` reaches a server by; it comes quoted, as Go quotes."""
    lines = [line for line in re.split(r"\\[rn]", said.rstrip('"').replace('\\"', '"')) if line.strip()]
    line = lines[-1].removeprefix("error: ").removeprefix("Error: ") if lines else f"exit status {status}"
    return (line if line.startswith(program) else f"{program}: {line}")[:_LONGEST]


def _told(stderr: str, server: Server) -> str:
    if wants_certificates(server.address, stderr):
        return f"{reason(stderr)} (it wants TLS: a ca.pem, a cert.pem and a key.pem that it accepts)"
    return reason(stderr)


def _check_client(done: Completed) -> None:
    found = re.search(r"\bv(\d+\.\d+\.\d+\S*)", done.stdout)
    if found and is_old(found.group(1)):
        raise NotUsable(f"buildctl is {found.group(1)}, older than {_text(OLDEST)}", fix=install())


def _asked(server: Server, settings: Settings, run: Runner, *questions: tuple[str, ...]) -> list[Completed]:
    try:
        return together(run, *(Command(argv=argv, env=settings.environ, timeout=_ANSWERING) for argv in questions))
    except CommandNotFound as error:
        raise NotUsable(error.message, fix=install()) from error
    except ProcessTimeout as error:
        raise NotUsable(f"{server.address} did not answer within {_ANSWERING:g} s", fix=NAME_ONE) from error


def _platforms(worker: dict[str, Any]) -> Iterator[Platform]:
    for entry in worker["platforms"]:
        if entry.get("architecture"):
            yield Platform(str(entry["os"]), str(entry["architecture"]), entry.get("variant") or None)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
