"""The two servers: environments of their own, starting, stopping, and what they take of the machine."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uv
from measure import Missing

from cog_core import process
from cog_core.runtime_bundle import STARTUP_FILE, STARTUP_TEXT, prepare
from cog_core.values import Platform, PythonVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from measure import Place
    from models import Model

UPSTREAM = ("cog==0.23.1", "coglet==0.23.1")
LEFT_BEHIND = Path("/tmp/coglet")
"""Where upstream's server makes three folders for each prediction, which stay; it is slower the more there are."""
_PATIENCE = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Server:
    """An environment with a server in it.

    Attributes:
        name: ``upstream`` or ``ours``.
        bin: The folder of its ``python``.
        disk: Bytes that it has in an image, bytecode included.
    """

    name: str
    bin: Path
    disk: int

    def start(self, folder: Path, model: Model) -> Running:
        """Start it for a model."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        with (folder / f"{self.name}.log").open("wb") as log:
            begin = time.perf_counter()
            started = subprocess.Popen(
                [self.bin / "python", "-m", "cog.server.http"],
                cwd=folder,
                env=_environ(self.bin, port, model),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return Running(self, started, folder, port, begin)


@dataclass(frozen=True)
class Running:
    """A server that was started at ``begin`` for the model in ``folder``."""

    server: Server
    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    begin: float

    def wait(self) -> float:
        """Wait until it is ready; return the seconds since its start.

        Raises:
            Missing: It does not get ready.
        """
        while time.perf_counter() - self.begin < _PATIENCE:
            if self._state() == "READY":
                return time.perf_counter() - self.begin
            if self.process.poll() is not None:
                break
            time.sleep(0.001)
        raise Missing(f"{self.server.name} does not get ready")

    def _state(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            connection.request("GET", "/health-check")
            return str(json.loads(connection.getresponse().read())["status"])
        except OSError:
            return ""
        finally:
            connection.close()

    @property
    def memory(self) -> int:
        """Resident bytes of its processes; shared ones count in each."""
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE for pid in self._tree())

    @property
    def cpu(self) -> float:
        """Seconds of processor time of its processes."""
        return sum(sum(map(int, _stat(pid)[11:13])) for pid in self._tree()) / _TICKS

    def _tree(self) -> list[int]:
        parents = {
            int(path.name): int(_stat(path.name)[1]) for path in Path("/proc").glob("[0-9]*") if _stat(path.name)
        }
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _stat(pid: int | str) -> list[str]:
    """Return the fields of ``/proc/PID/stat`` from the third on (proc(5)); none for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _environ(bin_folder: Path, port: int, model: Model) -> Mapping[str, str]:
    dropped = ("COG_", "PYTHON", "VIRTUAL_ENV", "PORT")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    environ |= {
        "PATH": f"{bin_folder}:{environ['PATH']}",
        "PORT": str(port),
        "COG_PREDICT_TYPE_STUB": "predict.py:Predictor",
    }
    if model.slots is not None:
        environ["COG_MAX_CONCURRENCY"] = str(model.slots)
    return environ


@contextmanager
def two_servers(here: Place) -> Iterator[tuple[Server, Server]]:
    """Yield upstream's server and ours, each as it is in an image; what upstream's leaves behind is removed.

    Raises:
        Missing: One of them cannot be had.
    """
    ours_to_remove = not LEFT_BEHIND.exists()
    if not ours_to_remove:
        print(f"{LEFT_BEHIND} is there already and stays: upstream may be slower for it")
    try:
        yield _upstream(here), _ours(here)
    finally:
        if ours_to_remove:
            shutil.rmtree(LEFT_BEHIND, ignore_errors=True)


def _upstream(here: Place) -> Server:
    folder = _environment(here, "upstream")
    before = _size(folder)
    argv = (
        uv.find_uv_bin(),
        "pip",
        "install",
        "-q",
        "--compile-bytecode",
        "--python",
        folder / "bin/python",
        *UPSTREAM,
    )
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"{' and '.join(UPSTREAM)} cannot be installed: {done.stderr.strip()[-500:]}")
    return Server("upstream", folder / "bin", _size(folder) - before)


def _ours(here: Place) -> Server:
    """Lay the bundle out as an image has it, with the bytecode that every build makes."""
    folder = _environment(here, "ours")
    python = PythonVersion(*sys.version_info[:2])
    cache = Path(here.environ["COG_CACHE_DIR"])
    prepared = prepare(python, Platform.of_this_machine(), cache=cache, run=process.run, environ=here.environ)
    bundle = here.folder / "bundle"
    shutil.copytree(prepared.path, bundle)
    compiling = ("-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", bundle)
    environ = {name: value for name, value in here.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([folder / "bin/python", *compiling], env=environ, check=True)
    purelib = folder / f"lib/python{python.series}/site-packages"
    (purelib / "cog").symlink_to(bundle / "sdk" / "cog")
    (purelib / STARTUP_FILE).write_text(STARTUP_TEXT)
    return Server("ours", folder / "bin", _size(bundle))


def _environment(here: Place, name: str) -> Path:
    folder = here.folder / name
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder


def _size(folder: Path) -> int:
    """Return the bytes of all files."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
