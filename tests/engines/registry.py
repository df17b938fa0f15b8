"""A real container registry: the reference implementation, one process per test that asks for it."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
from typing import TYPE_CHECKING

import attrs

from tests.engines.engine import Tool
from tests.engines.machine import Broken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_READY = 20.0
_PAUSE = 0.02
_LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")

USER = "tester"
PASSWORD = "open-sesame"
_HTPASSWD = f"{USER}:$2y$05$abcdefghijklmnopqrstuutXu9KzOt.1yBoZUeFWoT/914/JfszCO\n"  # bcrypt of the password


class Registry(Tool):
    """The program ``docker-registry``; :func:`serve` runs it."""

    name = "registry"
    how = "install a registry (Debian: apt-get install docker-registry)"
    programs = ("docker-registry",)
    packages = ("docker-registry",)


@attrs.frozen(kw_only=True)
class RunningRegistry:
    """A registry that listens on this machine only, without TLS.

    Attributes:
        address: Host and port, the first part of an image's name.
        storage: Where it keeps what is pushed.
        log: What it writes.
        user: Name to log in with; None: nobody has to.
        password: The password that belongs to it.
    """

    address: str
    storage: Path
    log: Path
    user: str | None = None
    password: str | None = attrs.field(default=None, repr=False)


@contextlib.contextmanager
def serve(folder: Path, *, login: bool = False) -> Iterator[RunningRegistry]:
    """Run a registry on a free port.

    Args:
        folder: An empty folder for its files.
        login: Ask for user name and password (HTTP basic authentication).

    Raises:
        Broken: It does not start; with the end of its log.
    """
    storage, log = folder / "storage", folder / "registry.log"
    config = folder / "config.json"
    config.write_text(json.dumps(_config(folder, login=login)), encoding="utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["docker-registry", "serve", config], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        address = _address(process, log)
        user, password = (USER, PASSWORD) if login else (None, None)
        yield RunningRegistry(address=address, storage=storage, log=log, user=user, password=password)
    finally:
        process.terminate()
        process.wait()


def _config(folder: Path, *, login: bool) -> dict[str, object]:
    # JSON is YAML. Names: the registry's "Configuring a registry".
    auth = {}
    if login:
        passwords = folder / "htpasswd"
        passwords.write_text(_HTPASSWD, encoding="utf-8")
        auth = {"auth": {"htpasswd": {"realm": "tests", "path": str(passwords)}}}
    return {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:0", "secret": "only for tests"},
        **auth,
    }


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _READY
    while process.poll() is None and time.monotonic() < deadline:
        if found := _LISTENING.search(log.read_text(encoding="utf-8", errors="replace")):
            return found.group(1)
        time.sleep(_PAUSE)
    raise Broken("docker-registry does not start", log.read_text(encoding="utf-8", errors="replace"))
