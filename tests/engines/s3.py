"""A server that speaks S3, from the package index: an environment of its own, one process per test that asks."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import uv

from tests.engines.engine import Engine
from tests.engines.machine import Broken

if TYPE_CHECKING:
    from collections.abc import Iterator

_PINNED: Final = Path(__file__).resolve().parents[2] / "requirements" / "s3.txt"
_INSTALLING: Final = 300.0
_READY: Final = 60.0
_PAUSE: Final = 0.1
_PLACE: Final = "<CreateBucketConfiguration><LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>"
_LISTENING: Final = re.compile(r"Running on http://(127\.0\.0\.1:\d+)")
BUCKET: Final = "layers"
REGION: Final = "eu-central-1"


@attrs.frozen(kw_only=True)
class RunningS3:
    """A server that listens on this machine only, with one empty bucket.

    Attributes:
        endpoint: Its address.
        log: What it writes: a line per request.
    """

    endpoint: str
    log: Path

    def cache(self, name: str, **fields: str) -> str:
        """Return what ``--cache-to`` and ``--cache-from`` call a cache there."""
        place = {"bucket": BUCKET, "region": REGION, "endpoint_url": self.endpoint, "use_path_style": "true"}
        return ",".join(f"{key}={value}" for key, value in {"type": "s3", "name": name, **place, **fields}.items())


class S3(Engine):
    """The server of ``moto``, which keeps objects in memory and takes any credentials; :meth:`serve` runs it."""

    name = "s3"
    how = "connect to a Python package index, which has the server"

    @property
    def _program(self) -> Path:
        pins = hashlib.sha256(_PINNED.read_bytes()).hexdigest()[:12]
        return self.machine.cache / "bin" / f"moto-{pins}" / "bin" / "moto_server"

    def present(self) -> bool:
        return self._program.exists()

    def why_not(self) -> str | None:
        return None if self.present() else "there is no S3 server"

    def install(self) -> None:
        folder = self._program.parents[1]
        self.machine.run((uv.find_uv_bin(), "venv", "--quiet", "--clear", folder))
        into = ("--python", folder / "bin" / "python")
        argv = (uv.find_uv_bin(), "pip", "install", "--quiet", *into, "--require-hashes", "-r", _PINNED)
        self.machine.run(argv, timeout=_INSTALLING)

    @contextlib.contextmanager
    def serve(self, folder: Path) -> Iterator[RunningS3]:
        """Run a server on a free port.

        Args:
            folder: Where its log goes.

        Raises:
            Broken: It does not start; with the end of its log.
        """
        log = folder / "s3.log"
        argv = (self._program, "-H", "127.0.0.1", "-p", "0")
        with log.open("wb") as output:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)
        try:
            address = _address(process, log)
            _make_bucket(address)
            yield RunningS3(endpoint=f"http://{address}", log=log)
        finally:
            process.terminate()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _READY
    while process.poll() is None and time.monotonic() < deadline:
        if found := _LISTENING.search(log.read_text("utf-8", "replace")):
            return found.group(1)
        time.sleep(_PAUSE)
    raise Broken("the S3 server does not start", log.read_text("utf-8", "replace"))


def _make_bucket(address: str) -> None:
    connection = http.client.HTTPConnection(address, timeout=_READY)
    try:
        connection.request("PUT", f"/{BUCKET}", _PLACE.format(REGION))
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise Broken(f"the S3 server makes no bucket: {answer.status}", answer.read().decode())
    finally:
        connection.close()
