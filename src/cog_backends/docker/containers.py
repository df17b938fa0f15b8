"""Containers in a Docker engine: started, watched, and always removed."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import threading
import tty
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_backends.docker.client import gpu_request, mapped_errors
from cog_core.context import BuildContext, tar_stream
from cog_core.errors import BackendError
from cog_core.values import EPOCH
from cog_oci.proxies import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from cog_backends.docker.client import Engine
    from cog_core.backend import RunRequest

    _Frames = Iterator[tuple[bytes | None, bytes | None]]

_SHM_SIZE: Final = 6 << 30
"""Shared memory of a container in bytes, as upstream gives (reference, section 3.1); PyTorch's loaders need it."""
_STOP_SECONDS: Final = 10
LABEL: Final = "org.cogmodel.started-by"


def start(engine: Engine, request: RunRequest, on_line: Callable[[str, str], None]) -> DockerContainer:
    """Create and start a container.

    Raises:
        ImageNotFound: There is no such image.
        BackendError: The engine refused.
    """
    try:
        return _start(engine, request, on_line, gpus=request.gpus)
    except BackendError as error:
        if request.gpus == "auto" and "device driver" in error.message:
            return _start(engine, request, on_line, gpus=None)
        raise


def _start(
    engine: Engine, request: RunRequest, on_line: Callable[[str, str], None], *, gpus: str | None
) -> DockerContainer:
    terminal = request.interactive and sys.stdin.isatty() and sys.stdout.isatty()
    with mapped_errors(request.reference):
        identity = engine.api.create_container(
            request.reference,
            command=list(request.command) if request.command else None,
            environment=dict(request.environment),
            ports=[port for _, port in request.ports],
            stdin_open=request.interactive,
            tty=terminal,
            labels={LABEL: "cog"},
            host_config=engine.api.create_host_config(
                binds=_binds(engine, request),
                port_bindings={port: _address(engine, host) for host, port in request.ports},
                device_requests=[gpu_request(gpus)] if gpus else None,
                shm_size=_SHM_SIZE,
                init=True if request.interactive else None,
            ),
        )["Id"]
    container = DockerContainer(engine=engine, id=identity, request=request, terminal=terminal)
    try:
        if not engine.is_local:
            _copy_binds(engine, identity, request)
        container.attach(on_line)
        with mapped_errors(request.reference):
            engine.api.start(identity)
    except BaseException:
        container.remove()
        raise
    return container


def _binds(engine: Engine, request: RunRequest) -> list[str]:
    if not engine.is_local:
        return []
    return [f"{bind.source}:{bind.target}:{'ro' if bind.read_only else 'rw'}" for bind in request.binds]


def _copy_binds(engine: Engine, identity: str, request: RunRequest) -> None:
    """Give a remote engine, which does not see our files, a copy of them."""
    for bind in request.binds:
        stream = tar_stream({bind.target.strip("/"): BuildContext.of_project(bind.source)}, {}, mtime=EPOCH)
        with mapped_errors(request.reference):
            engine.api.put_archive(identity, "/", stream)


def _address(engine: Engine, host: str) -> tuple[str, int | None]:
    """Return where a port is published; a remote engine's own loopback could not be reached from here."""
    address, _, port = host.rpartition(":")
    address = address.strip("[]")
    return (engine.address if not engine.is_local and is_loopback(address) else address, int(port) or None)


@attrs.define
class DockerContainer:
    """A started container; leaving its context stops and removes it."""

    engine: Engine
    id: str
    request: RunRequest
    terminal: bool
    _socket: Any = None
    _thread: threading.Thread | None = None
    _lines: list[str] = attrs.field(factory=list)

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Host addresses and ports that lead to the requested ports, in their order."""
        with mapped_errors():
            ports = self.engine.api.inspect_container(self.id)["NetworkSettings"]["Ports"]
        bound = [ports[f"{port}/tcp"][0] for _, port in self.request.ports]
        return tuple((binding["HostIp"], int(binding["HostPort"])) for binding in bound)

    def attach(self, on_line: Callable[[str, str], None]) -> None:
        """Connect to the container's streams; before it starts, so that nothing is missed."""
        with mapped_errors():
            if self.request.interactive:
                parameters = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                self._socket = self.engine.api.attach_socket(self.id, parameters)
                return
            frames = self.engine.api.attach(self.id, stdout=True, stderr=True, stream=True, demux=True)
        self._thread = threading.Thread(target=self._follow, args=(frames, on_line), daemon=True)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> int | None:
        """Return the exit status, or None when it still runs after ``timeout`` seconds."""
        if self._socket is not None:
            self._talk()
        with mapped_errors():
            state = self.engine.api.inspect_container(self.id)["State"]
            if timeout == 0:
                return None if state["Running"] else int(state["ExitCode"])
            try:
                status = int(self.engine.api.wait(self.id, timeout=timeout)["StatusCode"])
            except Exception as error:
                if "timed out" in str(error).lower():
                    return None
                raise
        if self._thread is not None:
            self._thread.join(5)
        return status

    def logs(self) -> str:
        """Return what it printed so far."""
        return "".join(f"{line}\n" for line in self._lines)

    def remove(self) -> None:
        """Stop and remove the container; one that is gone already is fine."""
        with contextlib.suppress(BackendError):
            with contextlib.suppress(BackendError), mapped_errors():
                self.engine.api.stop(self.id, timeout=_STOP_SECONDS)
            with mapped_errors():
                self.engine.api.remove_container(self.id, force=True, v=True)

    def __enter__(self) -> Self:
        """Return the container."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and remove it, even when a second interrupt comes."""
        previous = _ignore_interrupts()
        try:
            self.remove()
        finally:
            if previous is not None:
                signal.signal(signal.SIGINT, previous)

    def _follow(
        self, frames: Iterator[tuple[bytes | None, bytes | None]], on_line: Callable[[str, str], None]
    ) -> None:
        partial = {"stdout": b"", "stderr": b""}
        for out, err in frames:
            for name, data in (("stdout", out), ("stderr", err)):
                *lines, partial[name] = (partial[name] + (data or b"")).split(b"\n")
                for line in lines:
                    self._tell(name, line, on_line)
        for name, rest in partial.items():
            if rest:
                self._tell(name, rest, on_line)

    def _tell(self, name: str, line: bytes, on_line: Callable[[str, str], None]) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        self._lines.append(text)
        on_line(name, text)

    def _talk(self) -> None:
        """Pass our standard input to the container and its output to ours, until it ends."""
        raw = getattr(self._socket, "_sock", self._socket)
        with _raw_terminal() if self.terminal else contextlib.nullcontext(), self._resizing():
            _pump(raw, framed=not self.terminal)
        self._socket.close()
        self._socket = None

    @contextlib.contextmanager
    def _resizing(self) -> Iterator[None]:
        if not self.terminal:
            yield
            return

        def resize(*_: object) -> None:
            size = shutil.get_terminal_size()
            with contextlib.suppress(BackendError), mapped_errors():
                self.engine.api.resize(self.id, height=size.lines, width=size.columns)

        resize()
        previous = signal.signal(signal.SIGWINCH, resize)
        try:
            yield
        finally:
            signal.signal(signal.SIGWINCH, previous)


def _ignore_interrupts() -> Any:
    if threading.current_thread() is threading.main_thread():
        return signal.signal(signal.SIGINT, signal.SIG_IGN)
    return None


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _pump(connection: Any, *, framed: bool) -> None:
    """Copy both ways until the container closes its side (Engine API, "Attach to a container", stream format)."""
    pending = b""
    watched = [connection, sys.stdin]
    while True:
        readable, _, _ = select.select(watched, [], [])
        if sys.stdin in readable:
            data = os.read(sys.stdin.fileno(), 65536)
            if data:
                connection.sendall(data)
            else:
                watched.remove(sys.stdin)
                _shut_input(connection)
        if connection in readable:
            data = connection.recv(65536)
            if not data:
                return
            if not framed:
                _write(1, data)
                continue
            pending = _write_frames(pending + data)


def _write_frames(data: bytes) -> bytes:
    while len(data) >= 8 and len(data) >= 8 + int.from_bytes(data[4:8], "big"):
        size = int.from_bytes(data[4:8], "big")
        _write(2 if data[0] == 2 else 1, data[8 : 8 + size])
        data = data[8 + size :]
    return data


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _shut_input(connection: Any) -> None:
    import socket  # noqa: PLC0415 - only its constant

    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
