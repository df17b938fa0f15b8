"""Containers of podman: created, started, watched, and always removed."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import attrs

from cog_backends.podman.another_machine import copy_unseen, created
from cog_backends.podman.commands import create_argv, environment_words, gpu_devices
from cog_backends.podman.store import complaint, failed
from cog_core import clock, process
from cog_core.errors import BackendError, CogError
from cog_core.process import Command

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import Popen

    from typing_extensions import Self

    from cog_backends.podman.store import Images
    from cog_core.backend import Bind, RunRequest
    from cog_core.process import Completed

_STOP_SECONDS: Final = 10
_POLL: Final = 0.1
_CDI: Final = (Path("/etc/cdi"), Path("/var/run/cdi"))
"""Where descriptions of devices lie (Container Device Interface, SPEC.md, "CDI JSON specification")."""


def start(images: Images, request: RunRequest, on_line: Callable[[str, str], None]) -> PodmanContainer:
    """Create and start a container.

    Another machine has some of our folders, such as the home folder; it gets a copy of those that it lacks.

    Raises:
        ImageNotFound: There is no such image.
        BackendError: podman refused.
    """
    terminal = request.interactive and sys.stdin.isatty() and sys.stdout.isatty()
    name = f"cog-{secrets.token_hex(8)}"
    words, environ = environment_words(request.environment, images.settings.environ)
    devices = gpu_devices(request.gpus, available=images.tools.remote or _knows_gpus())

    def create(binds: tuple[Bind, ...]) -> Completed:
        seen = attrs.evolve(request, binds=binds)
        argv = create_argv(images.tools, seen, name=name, environment=words, devices=devices, terminal=terminal)
        return images.run(Command(argv=argv, env=environ))

    container = PodmanContainer(images=images, name=name, request=request)
    try:
        copy_unseen(images, name, created(create, request, remote=images.tools.remote))
        # Everything that can go wrong goes wrong here, where its reason can be read.
        _well(images, Command(argv=(images.tools.podman, "init", name), env=environ), request.reference)
        container.attach(on_line)
    except BaseException:
        container.remove()
        raise
    return container


def _well(images: Images, command: Command, reference: str) -> None:
    completed = images.run(command)
    if completed.code:
        raise failed(completed.stderr, reference)


def _ended(started: Popen[bytes], timeout: float | None) -> int | None:
    """Return a program's status, or None when it still runs after some seconds."""
    if timeout is None:
        return started.wait()
    deadline = clock.monotonic() + timeout
    while started.poll() is None and clock.monotonic() < deadline:
        clock.sleep(_POLL)
    return started.poll()


def _address(bindings: list[dict[str, str]] | None, port: int) -> tuple[str, int]:
    """Return where a port is; without bindings the user's settings put containers into the host's own network."""
    if not bindings:
        return ("127.0.0.1", port)
    return (bindings[0]["HostIp"] or "127.0.0.1", int(bindings[0]["HostPort"]))


def _knows_gpus() -> bool:
    files = (file for folder in _CDI if folder.is_dir() for file in folder.iterdir())
    return any("nvidia.com/gpu" in file.read_text("utf-8", "replace") for file in files if file.is_file())


@attrs.define
class PodmanContainer:
    """A started container; leaving its context stops and removes it."""

    images: Images
    name: str
    request: RunRequest
    _process: Popen[bytes] | None = None
    _threads: list[threading.Thread] = attrs.field(factory=list)
    _lines: list[str] = attrs.field(factory=list)

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Host addresses and ports that lead to the requested ports, in their order."""
        bound = self._inspect()["NetworkSettings"].get("Ports") or {}
        return tuple(_address(bound.get(f"{port}/tcp"), port) for _, port in self.request.ports)

    def attach(self, on_line: Callable[[str, str], None]) -> None:
        """Start it with its streams connected, so that nothing is missed."""
        talks = self.request.interactive
        words = ("--attach", "--interactive") if talks else ("--attach",)
        argv = (self.images.tools.podman, "start", *words, self.name)
        command = Command(argv=argv, env=self.images.settings.environ)
        if talks:
            self._process = process.start(command, stdin=None, stdout=None, stderr=None, own_group=False)
        else:
            self._process = process.start(command)
        for name, stream in (("stdout", self._process.stdout), ("stderr", self._process.stderr)):
            if stream is not None:
                thread = threading.Thread(target=self._follow, args=(name, stream, on_line), daemon=True)
                thread.start()
                self._threads.append(thread)

    def wait(self, timeout: float | None = None) -> int | None:
        """Return the exit status, or None when it still runs after ``timeout`` seconds."""
        if self._process is None:
            return None
        status = _ended(self._process, timeout)
        if status is None:
            return None
        for thread in self._threads:
            thread.join(5)
        return status

    def logs(self) -> str:
        """Return what it printed so far."""
        return "".join(f"{line}\n" for line in self._lines)

    def remove(self) -> None:
        """Stop and remove the container; one that is gone already is fine."""
        argv = ("rm", "--force", "--ignore", "--volumes", "--time", str(_STOP_SECONDS), self.name)
        with contextlib.suppress(CogError):
            self.images.run(Command(argv=(self.images.tools.podman, *argv), env=self.images.settings.environ))
        if self._process is not None:
            _ended(self._process, 1)
            for thread in self._threads:
                thread.join(1)
            process.stop(self._process)

    def __enter__(self) -> Self:
        """Return the container."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and remove it, even when a second interrupt comes."""
        previous = None
        if threading.current_thread() is threading.main_thread():
            previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.remove()
        finally:
            if previous is not None:
                signal.signal(signal.SIGINT, previous)

    def _inspect(self) -> dict[str, Any]:
        argv = (self.images.tools.podman, "container", "inspect", self.name)
        completed = self.images.run(Command(argv=argv, env=self.images.settings.environ))
        if completed.code:
            raise BackendError(f"the container is gone: {complaint(completed.stderr)}")
        answer: dict[str, Any] = json.loads(completed.stdout)[0]
        return answer

    def _follow(self, name: str, stream: IO[bytes], on_line: Callable[[str, str], None]) -> None:
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            self._lines.append(text)
            on_line(name, text)
