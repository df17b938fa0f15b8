"""A sandbox seen from outside: started, watched, stopped, and its scratch files removed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

import attrs

from cog_core import process
from cog_core.errors import BackendError
from cog_core.process import Command
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Self

    from cog_core.backend import Bind

_ENTER = Path(__file__).with_name("enter.py")
_STOP_SECONDS = 10.0


@attrs.frozen(kw_only=True)
class SandboxRequest(Frozen):
    """A command to start in a sandbox.

    Attributes:
        store: Folder that the layers are relative to.
        layers: Unpacked layers, the highest first; they are never written to.
        scratch: Folder for what the command changes; a fresh one inside is made and removed.
        argv: The command.
        environment: All of its environment.
        binds: Folders of this machine.
        devices: Names in /dev beyond the usual ones.
        interactive: Keep our standard streams.
    """

    store: Path
    layers: tuple[str, ...]
    scratch: Path
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    workdir: str = "/"
    binds: tuple[Bind, ...] = ()
    devices: tuple[str, ...] = ()
    interactive: bool = False
    addresses: tuple[tuple[str, int], ...] = ()

    def document(self, work: Path) -> bytes:
        """Return what :mod:`enter` reads."""
        return json.dumps(
            {
                "store": str(self.store),
                "layers": self.layers,
                "work": str(work),
                "argv": self.argv,
                "environment": dict(self.environment),
                "workdir": self.workdir,
                "binds": [(str(bind.source), bind.target, bind.read_only) for bind in self.binds],
                "devices": self.devices,
                "interactive": self.interactive,
            }
        ).encode()


@lru_cache(maxsize=1)
def unavailable(scratch: Path) -> str | None:
    """Return why this machine allows no sandboxes, or None when it does; tried once, by making one."""
    if sys.platform != "linux":
        return "sandboxes need Linux"
    with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as folder:
        base = Path(folder, "base")
        base.mkdir()
        request = SandboxRequest(
            store=Path(folder), layers=("base",), scratch=Path(folder), argv=("/nothing",), environment={}
        )
        try:
            with start(request, lambda *_: None) as container:
                container.wait(_STOP_SECONDS)
        except BackendError as error:
            return error.message
    return None


def start(request: SandboxRequest, on_line: Callable[[str, str], None]) -> SandboxContainer:
    """Start a command in a new sandbox.

    Raises:
        BackendError: The kernel refused; the message has its words.
    """
    work = Path(tempfile.mkdtemp(prefix="sandbox-", dir=request.scratch))
    try:
        for name in ("root", "upper", "work"):
            (work / name).mkdir()
        running = _enter(request, work)
    except BaseException:
        _remove(work)
        raise
    container = SandboxContainer(process=running, work=work, addresses=request.addresses)
    if not request.interactive:
        container.follow(on_line)
    return container


def _enter(request: SandboxRequest, work: Path) -> subprocess.Popen[bytes]:
    """Start the program that enters, hand it the request, and wait until it says that the command runs."""
    request_in, request_out = os.pipe()
    status_in, status_out = os.pipe()
    with os.fdopen(request_out, "wb") as requests, os.fdopen(status_in, "rb") as status:
        streams = None if request.interactive else subprocess.PIPE
        command = Command(
            argv=(sys.executable, "-I", "-S", str(_ENTER), str(request_in), str(status_out)),
            env={"PATH": os.defpath},
        )
        try:
            running = process.start(
                command,
                stdin=None if request.interactive else subprocess.DEVNULL,
                stdout=streams,
                stderr=streams,
                pass_fds=(request_in, status_out),
                own_group=not request.interactive,
            )
        finally:
            os.close(request_in)
            os.close(status_out)
        with contextlib.suppress(BrokenPipeError):
            requests.write(request.document(work))
            requests.close()
        answer = status.readline().decode("utf-8", "replace").strip()
    if answer != "ok":
        process.stop(running)
        raise BackendError(
            f"this machine allows no sandbox: {answer or 'it ended at once'}",
            hint="Let ordinary users make user namespaces (sysctl user.max_user_namespaces), or use an engine.",
        )
    return running


@attrs.define(kw_only=True)
class SandboxContainer:
    """A running sandbox; leaving its context ends every process in it and removes what they wrote."""

    process: subprocess.Popen[bytes]
    work: Path
    addresses: tuple[tuple[str, int], ...] = ()
    _threads: list[threading.Thread] = attrs.field(factory=list)
    _lines: list[str] = attrs.field(factory=list)

    def follow(self, on_line: Callable[[str, str], None]) -> None:
        """Read both output streams, each in a thread, so that neither can fill up."""
        for name, stream in (("stdout", self.process.stdout), ("stderr", self.process.stderr)):
            if stream is not None:
                thread = threading.Thread(target=self._read, args=(name, stream, on_line), daemon=True)
                thread.start()
                self._threads.append(thread)

    def wait(self, timeout: float | None = None) -> int | None:
        """Return the exit status, or None when it still runs after ``timeout`` seconds."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        for thread in self._threads:
            thread.join(_STOP_SECONDS)
        return status

    def logs(self) -> str:
        """Return what it printed so far."""
        return "".join(f"{line}\n" for line in self._lines)

    def __enter__(self) -> Self:
        """Return the running sandbox."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it and remove what it wrote."""
        process.stop(self.process, grace=_STOP_SECONDS)
        _remove(self.work)

    def _read(self, name: str, stream: IO[bytes], on_line: Callable[[str, str], None]) -> None:
        with contextlib.suppress(ValueError):
            for line in stream:
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                self._lines.append(text)
                on_line(name, text)


def _remove(work: Path) -> None:
    """Remove the scratch folder; overlayfs leaves a folder in it that even its owner may not list."""
    inner = work / "work" / "work"
    with contextlib.suppress(OSError):
        inner.chmod(0o700)
    shutil.rmtree(work, onerror=_make_writable)


def _make_writable(retry: Callable[[str], object], path: str, _: object) -> None:
    """Open up what the command locked, and try once more; what still resists was never ours to remove."""
    with contextlib.suppress(OSError):
        Path(path).parent.chmod(0o700)
        Path(path).chmod(0o700)
        retry(path)
