"""Starts servers as an image starts them, and talks HTTP to them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from cog_core.process import run
from cog_core.runtime_bundle import STARTUP_FILE, STARTUP_TEXT, prepare
from cog_core.schema import Mode, dumps, read_model, to_openapi
from cog_core.values import COMPATIBLE_COG_VERSION, Platform, PythonVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

JSON = "application/json"
PATIENCE = 20.0
PAUSE = 0.02


@attrs.frozen
class Reply:
    """An answer of a server."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@attrs.frozen
class Interpreter:
    """A Python with our SDK in its folder for packages, as an image has it.

    Attributes:
        path: Its program.
        bundle: The folder that an image has at ``/opt/cog``.
        bytecode: Where compiled files go, so that the bundle stays as it is.
        series: Its version: major and minor.
    """

    path: Path
    bundle: Path
    bytecode: Path
    series: str


def make_interpreter(python: Path, series: str, cache: Path) -> Interpreter:
    """Return an environment for a Python, with the bundle linked into it; made once per cache."""
    bundle = prepare(
        PythonVersion.parse(series), Platform.of_this_machine(), cache=cache, run=run, environ=os.environ
    ).path
    folder = cache / f"image-{series}"
    purelib = folder / "lib" / f"python{series}" / "site-packages"
    if not (purelib / "cog").exists():
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
        (purelib / "cog").symlink_to(bundle / "sdk" / "cog")
        (purelib / STARTUP_FILE).write_text(STARTUP_TEXT)
    return Interpreter(folder / "bin" / "python", bundle, cache / "bytecode", series)


def write_model(folder: Path, source: str, *, train: bool = False, batched: bool = False, **files: str) -> None:
    """Write ``predict.py`` (and ``files``, by name without extension) and the schema that a build would bake in."""
    (folder / "predict.py").write_text(textwrap.dedent(source), "utf-8")
    for name, content in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(content), "utf-8")
    models = [read_model(folder, "predict.py:Runner", mode=Mode.PREDICT, batched=batched)]
    if train:
        models.append(read_model(folder, "predict.py:train", mode=Mode.TRAIN))
    document = to_openapi(models[0], train=models[1] if train else None, version=COMPATIBLE_COG_VERSION)
    (folder / ".cog").mkdir(exist_ok=True)
    (folder / ".cog" / "openapi_schema.json").write_text(dumps(document), "utf-8")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class Server:
    """A running server.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        process: Its process.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log

    @property
    def log(self) -> str:
        """What it has written to its error output; it gathers its lines for some milliseconds."""
        time.sleep(0.05)
        return self._log.read_text("utf-8", "replace")

    def request(
        self, method: str, path: str, body: Any = None, *, timeout: float = PATIENCE, **headers: str
    ) -> Reply:
        """Make one request; a body that is no bytes is sent as JSON, and underscores in header names are dashes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            send(connection, method, path, body, headers)
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def get(self, path: str) -> Any:
        """Return what a path answers, as JSON."""
        return self.request("GET", path).json()

    def predict(self, **inputs: Any) -> Any:
        """Return the body of a prediction's answer."""
        reply = self.request("POST", "/predictions", {"input": inputs})
        assert reply.status == 200, reply
        return reply.json()

    def output(self, **inputs: Any) -> Any:
        """Return the output of a prediction that succeeds."""
        answer = self.predict(**inputs)
        assert answer["status"] == "succeeded", answer
        return answer["output"]

    def later(self, **inputs: Any) -> Later:
        """Predict in a thread."""
        return Later(lambda: self.predict(**inputs))

    @property
    def health(self) -> Any:
        """The body of ``/health-check``."""
        return self.get("/health-check")

    def wait_for(self, *states: str) -> Any:
        """Wait until the server says one of these states, and return its health."""
        return until(lambda: (found := self._health_or_none()) and found["status"] in states and found, self)

    def wait_for_first_start(self) -> None:
        """Wait until it is ready, for longer: the first server of a Python compiles all that it imports."""
        for _ in range(4):
            with contextlib.suppress(AssertionError):
                self.wait_for("READY")
                return
        raise AssertionError(f"it does not start:\n{self.log}")

    def _health_or_none(self) -> Any:
        try:
            return self.health
        except OSError:
            return None

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def stop(self) -> float:
        """Ask it to end, and return how many seconds that took."""
        begin = time.monotonic()
        self.tell(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0
        return time.monotonic() - begin

    def end(self) -> None:
        """End it if it runs."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Servers:
    """Starts servers, and ends them all.

    Args:
        interpreter: What runs them.
        folder: Of the first model; more of them lie beside it.
    """

    def __init__(self, interpreter: Interpreter, folder: Path) -> None:
        self._interpreter = interpreter
        self._folder = folder
        self._started: list[Server] = []

    def __call__(
        self,
        source: str,
        *arguments: str,
        train: bool = False,
        batched: bool = False,
        wait: bool = True,
        files: Mapping[str, str] | None = None,
        **variables: str,
    ) -> Server:
        """Write a model and start a server for it.

        Args:
            source: Its ``predict.py``.
            arguments: For the server.
            train: The model has a function ``train``.
            batched: ``cog.yaml`` says that its method is batched.
            wait: Return only when the server is ready.
            files: More files of the model, by name without extension.
            variables: Environment variables.
        """
        folder = self.next_folder()
        folder.mkdir(exist_ok=True)
        write_model(folder, source, train=train, batched=batched, **(files or {}))
        server = start(self._interpreter, folder, *arguments, **variables)
        self._started.append(server)
        if wait:
            server.wait_for("READY")
        return server

    def next_folder(self) -> Path:
        """Return the folder that the next model will lie in."""
        return self._folder.with_name(f"{self._folder.name}{len(self._started) or ''}")

    def end(self) -> None:
        """End those that still run."""
        for server in self._started:
            server.end()


class Later:
    """Something that is done in a thread; ``result`` waits for it."""

    def __init__(self, act: Any) -> None:
        self._act = act
        self._found: list[Any] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._found.append(self._act())

    @property
    def result(self) -> Any:
        self._thread.join(PATIENCE)
        return self._found[0]


def send(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any, headers: Mapping[str, str]
) -> None:
    """Send a request on a connection."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        sent.setdefault("Content-Type", JSON)
    connection.request(method, path, body=body, headers=sent)


def events(
    server: Server, body: Any, *, method: str = "POST", path: str = "/predictions"
) -> Iterator[tuple[str, Any]]:
    """Yield the server-sent events of a prediction as they come: (name, data)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    with contextlib.closing(connection):
        send(connection, method, path, body, {"Accept": "text/event-stream"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        assert answer.headers["Content-Type"] == "text/event-stream"
        name = ""
        for line in answer:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)


def until(question: Any, server: Server | None = None) -> Any:
    """Ask again and again until the answer is true, and return it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = question()
        if found:
            return found
        time.sleep(PAUSE)
    raise AssertionError(f"nothing came of it{'' if server is None else ':' + chr(10) + server.log}")


def is_gone(pid: int) -> bool:
    """Return whether a process has ended."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def start(
    interpreter: Interpreter,
    folder: Path,
    *arguments: str,
    command: tuple[str, ...] = ("-m", "cog.server.http"),
    before: tuple[str, ...] = (),
    user: int | None = None,
    **variables: str,
) -> Server:
    """Start a server in a model's folder; it listens on the loopback only.

    Args:
        interpreter: What runs it.
        folder: The model.
        arguments: For the server.
        command: Arguments of the interpreter.
        before: A program that starts the interpreter.
        user: Whom to become first.
        variables: Environment variables.
    """
    port = free_port()
    log = Path(tempfile.mkstemp(prefix="server-", suffix=".log", dir=folder.parent)[1])
    environ = {
        **os.environ,
        "COG_HOST": "127.0.0.1",
        "PORT": str(port),
        "COG_PREDICT_TYPE_STUB": "predict.py:Runner",
        "PYTHONPYCACHEPREFIX": str(interpreter.bytecode),
        "PYTHONDONTWRITEBYTECODE": "",
        **variables,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*before, interpreter.path, *command, *arguments],
            cwd=folder,
            env=environ,
            stdout=output,
            stderr=output,
            user=user,
        )
    return Server(process, port, log)


def this_series() -> str:
    """Return the Python that runs the tests: major and minor."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"
