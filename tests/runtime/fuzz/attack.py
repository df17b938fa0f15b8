"""Attacks live models over all routes with Schemathesis: ``python tests/runtime/fuzz/run.py``.

Schemathesis has an environment of its own (``requirements/fuzz.txt``), which is made at the first run. All traffic
stays on this machine: the server's way to others leads through a proxy that does not exist.

A finding is an answer of 5xx, or one that is not as ``document.py`` says, or a server that is not well afterwards.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tests.runtime.faults.processes import look
from tests.runtime.fuzz.document import whole
from tests.runtime.fuzz.models import TARGETS
from tests.runtime.receiver import Receiver
from tests.runtime.serving import Servers, make_interpreter, this_series

if TYPE_CHECKING:
    from tests.runtime.fuzz.models import Target
    from tests.runtime.serving import Interpreter, Server

ROOT = Path(__file__).resolve().parents[3]
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
NOWHERE = "http://127.0.0.1:9"
"""A proxy on the port of the discard service (RFC 863), where nobody listens."""
MEMORY = 300.0
"""MiB that a server may hold after an attack."""


@attrs.frozen
class Weapon:
    """How models are attacked.

    Attributes:
        program: Schemathesis.
        options: Further arguments.
        reports: Folder for what was sent and answered; None for nothing of it.
    """

    program: Path
    options: tuple[str, ...]
    reports: Path | None

    def use(self, name: str, document: Path, url: str) -> bool:
        """Attack a server; return whether nothing was found."""
        command: list[str | Path] = [self.program, "run", document, "--url", url, "--checks", ",".join(CHECKS)]
        command += ["--continue-on-failure", "--mode", "all", "--request-timeout", "20", "--warnings", "off"]
        command += ["--no-color", *self.options]
        if self.reports is not None:
            command += ["--report", "ndjson", "--report-dir", self.reports.resolve() / name]
        return subprocess.run(command, cwd=document.parent, check=False).returncode == 0


def main() -> int:
    """Attack the models that were named, else all of them, and return 1 when something was found."""
    options = _arguments()
    program = install(options.environment)
    seed = () if options.seed is None else ("--seed", str(options.seed))
    weapon = Weapon(program, ("--max-examples", str(options.examples), *seed), options.reports)
    with tempfile.TemporaryDirectory(prefix="cog-fuzz-") as name:
        folder = Path(name)
        interpreter = make_interpreter(Path(sys.executable).resolve(), this_series(), folder / "cache")
        wanted = options.models or list(TARGETS)
        found = [name for name in wanted if not attack(name, interpreter, folder / name, weapon)]
    say(f"findings: {', '.join(found)}" if found else "no findings")
    return 1 if found else 0


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help=f"of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--examples", type=int, default=200, help="requests per route and phase (200)")
    parser.add_argument("--seed", type=int, help="repeat a run")
    parser.add_argument("--reports", type=Path, help="folder for what was sent and answered")
    parser.add_argument("--environment", type=Path, default=ROOT / ".nox" / "schemathesis", help="of Schemathesis")
    return parser.parse_args()


def install(environment: Path) -> Path:
    """Return Schemathesis's program, installed as it is pinned."""
    program = environment / "bin" / "schemathesis"
    if not program.exists():
        uv = Path(sys.executable).with_name("uv")
        into = ["--require-hashes", "--python", environment / "bin" / "python"]
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, environment], check=True)
        subprocess.run([uv, "pip", "install", "-q", *into, "-r", ROOT / "requirements" / "fuzz.txt"], check=True)
    return program


def attack(name: str, interpreter: Interpreter, folder: Path, weapon: Weapon) -> bool:
    """Attack one model; return whether it took everything well."""
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    servers, receiver = Servers(interpreter, folder / "src"), Receiver()
    try:
        server = _serve(servers, TARGETS[name], temporary)
        document = folder / "openapi.json"
        document.write_text(json.dumps(whole(server.get("/openapi.json"), webhook=receiver.url("/hook"))), "utf-8")
        say(f"== {name}: {server.process.pid} on port {server.port}")
        nothing_found = weapon.use(name, document, f"http://127.0.0.1:{server.port}")
        return _is_well(server, temporary) and nothing_found
    finally:
        servers.end()
        receiver.end()


def _serve(servers: Servers, target: Target, temporary: Path) -> Server:
    proxies = {"http_proxy": NOWHERE, "https_proxy": NOWHERE, "no_proxy": "127.0.0.1"}
    variables = {"TMPDIR": str(temporary), **proxies, **dict(target.settings)}
    server = servers(target.source, train=target.train, wait=False, **variables)
    server.wait_for_first_start()
    return server


def _is_well(server: Server, temporary: Path) -> bool:
    """Return whether the server answers, has not lost a worker, has no errors in its log and left nothing behind."""
    restarts = server.wait_for("READY")["runtime"]["restarts"]
    load, left = look(server.process.pid), list(temporary.iterdir())
    errors = [line for line in server.log.splitlines() if '"level":"ERROR"' in line]
    for line in errors[:20]:
        say(line)
    say(
        f"{restarts} restarts, {len(errors)} errors in the log, {load.memory:.0f} MiB, "
        f"{load.descriptors} descriptors, {len(left)} files left"
    )
    return not (restarts or errors or left) and load.memory < MEMORY


if __name__ == "__main__":
    sys.exit(main())
