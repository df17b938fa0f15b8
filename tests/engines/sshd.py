"""A secure shell's server of one test's own, for engines that are reached through one."""

from __future__ import annotations

import contextlib
import getpass
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.engines.engine import Tool
from tests.engines.machine import Broken

if TYPE_CHECKING:
    from collections.abc import Iterator

_READY: Final = 30.0
_SERVER: Final = Path("/usr/sbin/sshd")
_SERVER_CONFIG: Final = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
PasswordAuthentication no
StrictModes no
UsePAM no
"""
_CLIENT_CONFIG: Final = """\
Host *
  IdentityFile {folder}/user
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
  StrictHostKeyChecking accept-new
  BatchMode yes
"""


class Sshd(Tool):
    """The programs ``ssh`` and ``sshd``."""

    name = "sshd"
    how = "install OpenSSH's server and client (Debian: apt-get install openssh-server openssh-client)"
    programs = ("ssh", "ssh-keygen")
    packages = ("openssh-server", "openssh-client")

    def missing(self) -> list[str]:
        return [*super().missing(), *(() if _SERVER.exists() else (_SERVER.name,))]


@contextlib.contextmanager
def serve(folder: Path, port: int, **environ: str) -> Iterator[Path]:
    """Run a server on 127.0.0.1 that lets this user in, and yield a folder whose ``ssh`` knows the key.

    Args:
        folder: Where keys and settings are put.
        port: Where it listens.
        **environ: Variables of what is run there.

    Raises:
        Broken: It does not start.
    """
    for name in ("host", "user"):
        argv = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    variables = " ".join(f"{name}={value}" for name, value in environ.items())
    set_them = f"SetEnv {variables}\n" if environ else ""
    (folder / "server.conf").write_text(_SERVER_CONFIG.format(port=port, folder=folder) + set_them, "utf-8")
    (folder / "client.conf").write_text(_CLIENT_CONFIG.format(folder=folder), "utf-8")
    Path("/run/sshd").mkdir(exist_ok=True)
    programs = folder / "bin"
    programs.mkdir()
    wrapper = programs / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {folder}/client.conf "$@"\n', "utf-8")
    wrapper.chmod(0o755)
    argv = (_SERVER, "-D", "-e", "-f", folder / "server.conf")
    log = folder / "log"
    with log.open("wb") as output, subprocess.Popen(argv, stderr=output) as process:
        try:
            _wait(wrapper, port, log)
            yield programs
        finally:
            process.terminate()


def _wait(ssh: Path, port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY
    while time.monotonic() < deadline:
        argv = (ssh, "-p", str(port), f"{getpass.getuser()}@127.0.0.1", "true")
        if subprocess.run(argv, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise Broken("sshd does not let us in", log.read_text("utf-8", "replace"))
