"""A BuildKit daemon of one test's own, which may be killed, starved and locked, and who builds there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import attrs

from cog_backends.buildkit.plugin import cog_backends
from cog_core import families
from cog_core.ir import ImageBase
from cog_core.settings import Settings
from cog_core.testing.contract import Kit, Subject
from tests.engines import mounts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.small_base import SmallBase

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
def serve(root: Path, address: str, *options: str, **variables: str) -> Iterator[Buildkitd]:
    """Run a daemon on an address until the end of the block, with variables of its own."""
    root.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(root), **variables}
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
        for mount in mounts.below(root):  # one that is killed leaves them behind
            subprocess.run(["umount", mount], check=True)


def kit_at(base: SmallBase, folder: Path, **environ: str) -> Kit:
    """Return what builds small plans on the server that the variables lead to, with a cache of its own here."""
    (info,) = cog_backends()
    settings = Settings.from_environ()
    settings = attrs.evolve(settings, environ={**settings.environ, **environ}, cache=folder / "cache")
    backend = info.load(settings)
    subject = Subject(info=info, base=ImageBase(reference=f"oci:{base.layout}"), settings=settings)
    return Kit(
        subject=subject,
        backend=backend,
        probe=backend.probe(),
        folder=folder,
        leftovers=frozenset,
        tag="cog-of-a-team",
    )
