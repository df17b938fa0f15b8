"""A BuildKit daemon of one test's own, which may be killed, starved and locked."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from cog_core import families

if TYPE_CHECKING:
    from collections.abc import Iterator

_READY = 60.0


@attrs.frozen
class Buildkitd:
    """A daemon that runs."""

    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it as a crash does, and what it runs with it, which would go on otherwise."""
        family = families.descendants(self.process.pid)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        families.end(family)


@contextlib.contextmanager
def serve(root: Path, address: str, *options: str) -> Iterator[Buildkitd]:
    """Run a daemon on an address until the end of the block."""
    root.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(root)}
    log = root.parent / "buildkitd.log"
    workers = ("--oci-worker=true", "--containerd-worker=false")
    with log.open("wb") as output:
        argv = ("buildkitd", "--root", str(root), "--addr", address, *workers, *options)
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", env=environ)
    try:
        deadline = time.monotonic() + _READY
        while b"running server on" not in log.read_bytes():
            assert process.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.05)
        yield Buildkitd(process)
    finally:
        process.terminate()
        process.wait()
        for mount in reversed(_mounts(root)):
            subprocess.run(["umount", mount], check=True)


def _mounts(folder: Path) -> list[str]:
    """Return what is mounted below a folder, lower ones first: a daemon that is killed leaves its mounts behind."""
    places = (line.split()[1] for line in Path("/proc/self/mounts").read_text("utf-8").splitlines())
    return [place for place in places if place.startswith(f"{folder}/")]
