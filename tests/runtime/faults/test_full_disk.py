"""No room for temporary files: the prediction says so, the server lives, and works again once there is room."""

from __future__ import annotations

import base64
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runtime.serving import Server, start, until, write_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Interpreter

SOURCE = """
    import os, tempfile
    from typing import Optional
    from cog import Path

    class Runner:
        def run(self, file: Optional[Path] = None, size: int = 0, folder: str = "") -> Path:
            data = file.read_bytes() if file is not None else b"x" * size
            descriptor, name = tempfile.mkstemp(suffix=".txt", dir=folder or None)
            try:
                with open(descriptor, "wb") as target:
                    target.write(data)
            except OSError:
                os.remove(name)
                raise
            return Path(name)
    """
ASYNC = SOURCE.replace("def run(", "async def run(")
MIB = 1 << 20
ROOM = "1m"
PRIVATE = ("unshare", "--map-root-user", "--mount", "sh", "-c")
MOUNT = 'mount -t tmpfs -o size="$0" tmpfs "$1" && shift && exec "$@"'
LIMIT = 'ulimit -f "$0" && exec "$@"'


def data_url(data: bytes) -> str:
    return "data:text/plain;base64," + base64.b64encode(data).decode()


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.fixture
def begin(interpreter: Interpreter, model_folder: Path, temporary: Path) -> Iterator[Callable[..., Server]]:
    """Start a server; ``before`` starts its interpreter."""
    started: list[Server] = []

    def act(source: str, before: tuple[str, ...], *arguments: str) -> Server:
        write_model(model_folder, source)
        variables = {"TMPDIR": str(temporary), "COG_DOWNLOAD_ALLOW": "127.0.0.1"}
        server = start(interpreter, model_folder, *arguments, before=before, **variables)
        started.append(server)
        server.wait_for("READY")
        return server

    yield act
    for server in started:
        server.end()


def small_disk(folder: Path) -> tuple[str, ...]:
    """Return what starts a program that finds a small disk in this folder, and nobody else does."""
    if not shutil.which("unshare"):
        pytest.skip("unshare(1) is not here")
    before = (*PRIVATE, MOUNT, ROOM, str(folder))
    if subprocess.run([*before, "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here, not even in a namespace of one's own")
    return before


def seen_by(server: Server, folder: Path) -> Path:
    """Return a folder as the server sees it."""
    return Path(f"/proc/{server.process.pid}/root", *folder.parts[1:])


@pytest.mark.parametrize("source", [SOURCE, ASYNC], ids=["blocking", "async"])
def test_inputs_outputs_and_downloads_need_room(
    begin: Callable[..., Server], temporary: Path, receiver: Receiver, source: str
) -> None:
    server = begin(source, small_disk(temporary))
    disk = seen_by(server, temporary)
    receiver.files["/large"], receiver.files["/small"] = b"x" * 2 * MIB, b"abc"
    for _ in range(2):
        for inputs in ({"file": data_url(b"x" * 2 * MIB)}, {"file": receiver.url("/large")}, {"size": 2 * MIB}):
            answer = server.predict(**inputs)
            assert answer["status"] == "failed"
            assert "No space left on device" in answer["error"]
            until(lambda: list(disk.iterdir()) == [], server)
    assert server.output(file=receiver.url("/small")) == data_url(b"abc")
    (output,) = disk.iterdir()
    output.unlink()
    assert server.health["runtime"]["restarts"] == 0


def test_a_disk_that_is_full_may_have_room_later(
    begin: Callable[..., Server], temporary: Path, receiver: Receiver, tmp_path: Path
) -> None:
    server = begin(SOURCE, small_disk(temporary), "--upload-url", receiver.url("/bucket"))
    ballast = seen_by(server, temporary) / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    full = server.predict(file=data_url(b"abc" * 10_000), folder=str(tmp_path))
    assert "No space left on device" in full["error"]
    # Uploads need no room here: what is uploaded lies where the model has put it.
    assert server.output(size=MIB, folder=str(tmp_path)).startswith(receiver.url("/bucket/"))
    ballast.unlink()
    assert server.output(file=data_url(b"abc"), folder=str(tmp_path)).startswith(receiver.url("/bucket/"))


@pytest.mark.parametrize("source", [SOURCE, ASYNC], ids=["blocking", "async"])
def test_files_may_be_limited_instead(begin: Callable[..., Server], temporary: Path, source: str) -> None:
    server = begin(source, ("sh", "-c", LIMIT, "1024"))  # of 512 bytes, or of 1024: shells differ
    for inputs in ({"file": data_url(b"x" * 2 * MIB)}, {"size": 2 * MIB}):
        answer = server.predict(**inputs)
        assert answer["status"] == "failed"
        assert "File too large" in answer["error"]
        assert list(temporary.iterdir()) == []
    assert server.output(file=data_url(b"abc")) == data_url(b"abc")
