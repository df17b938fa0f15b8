"""Which podman and buildah are here, what they can do, and what would make them work."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_backends.podman.quick_look import quick_look
from cog_core.engine_advice import sudo
from cog_core.errors import CogError
from cog_core.ir.dockerfile import Dialect
from cog_core.process import Command
from cog_core.values import Platform
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_core.process import Runner

_PATIENCE: Final = 20.0
"""Seconds for an answer; the first one as an ordinary user sets up a user namespace."""
_NAMED_CONTEXTS = (1, 26)
"""First buildah with ``--build-context``."""
_SENT_CONTEXTS = (5, 6)
"""First podman that sends further folders to another machine (containers/podman, pull request 26628)."""
_HEREDOCS = (1, 33)
"""First buildah with here-documents (containers/buildah, pull request 5092)."""
_CACHES = (1, 29)
"""First buildah that finds layers behind an ``ENV`` in a registry (containers/buildah, pull request 4326)."""
_AGENTS = (1, 24)
"""From here on buildah surely has ``--ssh``."""
_LINKS = (1, 41)
"""First buildah that takes ``COPY --link``."""
_INSTALLERS: Final = (
    ("apt-get", "apt-get install"),
    ("dnf", "dnf install"),
    ("zypper", "zypper install"),
    ("pacman", "pacman -S"),
    ("brew", "brew install"),
)
_SUBORDINATE_IDS: Final = "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER"


@attrs.frozen(kw_only=True)
class Tools(Frozen):
    """A podman that answers, and the builder that belongs to it.

    Attributes:
        podman: The program.
        builder: The first words of a build's command line.
        version: podman's version.
        builder_version: Version of buildah, or of the buildah in podman.
        platform: What containers run on.
        rootless: It runs as an ordinary user.
        remote: It works in another machine, such as the one of ``podman machine``.
        client_version: Version of the program that is here, for a podman in another machine.
        selinux: Containers are confined by SELinux.
        store: Where images lie, for people.
        init: There is a program for process 1 (``--init``).
    """

    podman: str
    builder: tuple[str, ...]
    version: str
    builder_version: str
    platform: Platform
    rootless: bool = False
    remote: bool = False
    client_version: str = ""
    selinux: bool = False
    store: str = ""
    init: bool = False

    @property
    def named_contexts(self) -> bool:
        """Whether further folders can be given by name."""
        if self.remote:
            return min(map(version_tuple, (self.version, self.client_version))) >= _SENT_CONTEXTS
        return version_tuple(self.builder_version) >= _NAMED_CONTEXTS

    @property
    def shares_caches(self) -> bool:
        """Whether layers can be read from registries and written there."""
        return version_tuple(self.builder_version) >= _CACHES

    @property
    def forwards_agents(self) -> bool:
        """Whether a command can ask an SSH agent; another machine does not see the agent's socket."""
        return not self.remote and version_tuple(self.builder_version) >= _AGENTS

    @property
    def dialect(self) -> Dialect:
        """What its builder understands of Dockerfiles."""
        version = version_tuple(self.builder_version)
        return Dialect(
            mounts=True,
            heredocs=self.named_contexts and version >= _HEREDOCS,
            link=self.named_contexts and version >= _LINKS,
            prefixes=not self.named_contexts,
            bare_workdirs=True,
        )


@attrs.frozen
class Missing(Frozen):
    """Why podman cannot be used, and the one command that would change that."""

    reason: str
    fix: str | None = None


def find_tools(environ: Mapping[str, str], run: Runner) -> Tools | Missing:
    """Ask podman about itself.

    Args:
        environ: Says where programs are, and is passed on to them.
        run: Starts programs.
    """
    path = environ.get("PATH")
    podman = shutil.which("podman", path=path)
    if podman is None:
        if shutil.which("brew", path=path):
            return Missing("podman is not installed", "brew install podman && podman machine init --now")
        return Missing("podman is not installed", _installer(path))
    buildah = shutil.which("buildah", path=path)  # without it podman builds by itself
    try:
        version = _version(buildah, environ, run)
        buildah = buildah if version else None
        facts = buildah and quick_look(
            podman, buildah, environ, run, helpers=_with_helpers(environ), patience=_PATIENCE
        )
        if not facts:
            completed = run(Command(argv=(podman, "info", "--format", "json"), env=environ, timeout=_PATIENCE))
            if completed.code:
                return _silence(completed.stderr, path)
            facts = json.loads(completed.stdout)
        client = _version(podman, environ, run) if facts["host"].get("serviceIsRemote") else ""
        return _tools(podman, facts, environ, buildah=buildah, version=version, client=client)
    except CogError as error:
        return Missing(error.message)
    except (ValueError, KeyError, TypeError) as error:
        return Missing(f"podman info says something that is not understood: {error!r}")


def version_tuple(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, such as ``(1, 28, 2)``."""
    return tuple(map(int, re.findall(r"\d+", version.partition("+")[0].partition("-")[0])))[:3]


def _tools(
    podman: str,
    facts: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    buildah: str | None,
    version: str,
    client: str,
) -> Tools | Missing:
    host = facts["host"]
    security = host.get("security") or {}
    remote = bool(host.get("serviceIsRemote"))
    networks = any((host.get(program) or {}).get("executable") for program in ("slirp4netns", "pasta"))
    if security.get("rootless") and not remote and not networks:
        reason = "podman has no network for ordinary users: neither slirp4netns nor pasta is installed"
        return Missing(reason, _installer(environ.get("PATH"), "slirp4netns"))
    own = buildah if buildah and not remote else None
    return Tools(
        podman=podman,
        builder=(own, "build") if own else (podman, "build"),
        version=str(facts["version"]["Version"]),
        builder_version=version if own else str(host["buildahVersion"]),
        platform=Platform(str(host["os"]), str(host["arch"])),
        rootless=bool(security.get("rootless")),
        remote=remote,
        client_version=client,
        selinux=bool(security.get("selinuxEnabled")),
        store=str(facts.get("store", {}).get("graphRoot", "")),
        init=remote or shutil.which("catatonit", path=_with_helpers(environ)) is not None,
    )


def _version(program: str | None, environ: Mapping[str, str], run: Runner) -> str:
    """Return the version of podman or buildah here, or nothing when it is not there or fails."""
    if program is None:
        return ""
    try:
        completed = run(Command(argv=(program, "--version"), env=environ, timeout=_PATIENCE))
    except CogError:
        return ""
    found = re.search(r"version (\d+(?:\.\d+)+)", completed.stdout)
    return found.group(1) if found and not completed.code else ""


def _with_helpers(environ: Mapping[str, str]) -> str:
    """Return the search path for podman's helpers (containers.conf, ``helper_binaries_dir`` and ``init_path``)."""
    return ":".join(("/usr/libexec/podman", "/usr/local/libexec/podman", environ.get("PATH", "/usr/bin")))


def _silence(stderr: str, path: str | None) -> Missing:
    """Say in one line why podman does not answer."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if line.startswith("Error: ")), lines[-1] if lines else "no reason")
    reason = said.removeprefix("Error: ")
    if "Cannot connect to Podman" in stderr or "Podman socket" in stderr:
        return Missing(f"podman's machine does not answer: {reason}", "podman machine start")
    if "newuidmap" in stderr or "newgidmap" in stderr:
        return Missing(f"podman does not work as an ordinary user: {reason}", _installer(path, "uidmap"))
    if "subuid" in stderr or "subgid" in stderr or "insufficient UIDs" in stderr:
        return Missing(f"podman does not work as an ordinary user: {reason}", _SUBORDINATE_IDS)
    return Missing(f"podman does not work: {reason}")


def _installer(path: str | None, packages: str = "podman buildah") -> str | None:
    """Return the command of this machine that installs packages, where one is known."""
    return next(
        (
            f"{'' if program == 'brew' else sudo()}{command} {packages}"
            for program, command in _INSTALLERS
            if shutil.which(program, path=path)
        ),
        None,
    )
