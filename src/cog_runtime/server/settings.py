"""What the environment and the command line say: the server's only look at either."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Mapping, NamedTuple, Sequence

from cog_runtime import __version__
from cog_runtime.server.log_settings import is_for_people, log_level

if TYPE_CHECKING:
    from cog_runtime.server.sampling import Sampler

_SCHEMAS = ("/opt/cog/model/openapi_schema.json", os.path.join(".cog", "openapi_schema.json"))  # noqa: PTH118
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - a container is reached from outside
_MIB = 1 << 20


class UsageError(Exception):
    """The server cannot start like this; the message is for the person who started it."""


class Settings(NamedTuple):
    """Everything that can be set from outside.

    Attributes:
        environ: What the worker inherits.
        reference: What the worker runs: ``predict.py:Runner``.
        train_reference: What it runs for trainings; None when there is none.
        mode: ``predict`` or ``train`` (``--x-mode``).
        host: Address to listen on (``--host``, else ``COG_HOST``, else all).
        port: Port to listen on (``PORT``); 0 lets the system choose.
        explicit_shutdown: Ignore SIGTERM and wait for ``POST /shutdown`` (``--await-explicit-shutdown``).
        upload_url: Where output files go (``--upload-url``); None puts them into the response.
        slots: Calls at the same time (``COG_MAX_CONCURRENCY``); None leaves it to the model.
        threads: Calls at the same time of a method that blocks (``COG_THREADS``).
        setup_timeout: Seconds that setup may take (``COG_SETUP_TIMEOUT``); None for no limit.
        log_level: 10 debug, 20 info, 30 warning, 40 error (``COG_LOG_LEVEL``, else ``RUST_LOG``).
        log_console: Lines for people instead of JSON (``--log-format``, else ``COG_LOG_FORMAT``, ``LOG_FORMAT``).
        sampler: Chooses the requests that are traced (``OTEL_*``); None when nobody asked for traces.
        webhook_interval: Seconds between two webhooks about logs (``COG_THROTTLE_RESPONSE_INTERVAL``).
        webhook_token: Bearer token for webhooks (``WEBHOOK_AUTH_TOKEN``).
        user_agent: For webhooks and uploads (``COG_USER_AGENT``).
        stream_history: Events kept for late readers of a stream (``COG_STREAM_HISTORY_CAPACITY``).
        schema: Files that may hold the OpenAPI document, the first that exists counts (``COG_SCHEMA``).
        worker_command: The worker's program and arguments (``COG_WORKER_COMMAND``); empty for our own.
        body_limit: Bytes of a request (``COG_MAX_BODY_BYTES``).
        log_limit: Bytes of logs kept for one prediction (``COG_MAX_LOG_BYTES``).
        workers: Processes that run the model (``COG_WORKERS``).
        restarts: How often a worker that keeps dying is started again (``COG_MAX_RESTARTS``).
        queue: Predictions that may wait for a slot (``COG_QUEUE``); 0 for none.
        batch: Requests of one call, and seconds that the first of them waits for others (``COG_BATCH_SIZE``,
            ``COG_BATCH_WINDOW``); None leaves either to the model.
        timeout: Seconds that a prediction may take (``COG_PREDICT_TIMEOUT``); None for no limit.
        history: Predictions kept after their end (``COG_HISTORY``).
        history_size: Bytes of them that are kept (``COG_HISTORY_BYTES``).
        drain_timeout: Seconds for what runs when the server has to stop (``COG_DRAIN_TIMEOUT``); None for no limit.
        auth_token: Bearer token that clients need (``COG_AUTH_TOKEN``); None for none.
        cors_origins: Sites whose pages may call (``COG_CORS_ORIGINS``).
        tls: Files with certificate and key (``COG_TLS_CERT``, ``COG_TLS_KEY``); None for plain HTTP.
        ca_cert: A CA bundle: file, folder, PEM text, or base64 of PEM (``COG_CA_CERT``).
        kubernetes: Whether a readiness file is wanted (``KUBERNETES_SERVICE_HOST``).
        warnings: What was ignored, to be logged.
    """

    environ: Mapping[str, str]
    reference: str
    train_reference: str | None
    mode: str
    host: str
    port: int
    explicit_shutdown: bool
    upload_url: str | None
    slots: int | None
    threads: int
    setup_timeout: float | None
    log_level: int
    log_console: bool
    sampler: Sampler | None
    webhook_interval: float
    webhook_token: str | None
    user_agent: str
    stream_history: int
    schema: tuple[str, ...]
    worker_command: tuple[str, ...]
    body_limit: int
    log_limit: int
    workers: int
    restarts: int
    queue: int
    batch: tuple[int | None, float | None]
    timeout: float | None
    history: int
    history_size: int
    drain_timeout: float | None
    auth_token: str | None
    cors_origins: tuple[str, ...]
    tls: tuple[str, str] | None
    ca_cert: str | None
    kubernetes: bool
    warnings: tuple[str, ...]


def read(arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        arguments: The command line without the program.
        environ: The environment; the process's own by default.

    Raises:
        UsageError: There is nothing to run.
        SystemExit: The arguments are wrong, or ask for help or the version.
    """
    env = dict(os.environ if environ is None else environ)
    usual = _Options(host=env.get("COG_HOST") or _EVERYWHERE)
    options = _parse(arguments, usual) if arguments else usual
    numbers = _Numbers(env)
    references = {name: env.get(f"COG_{name.upper()}_TYPE_STUB") or None for name in ("predict", "train")}
    # The model has no business with the server's own token.
    return Settings(
        environ=env,
        reference=_needed(references, options.mode),
        train_reference=references["train"],
        mode=options.mode,
        host=options.host,
        port=int(numbers.get("PORT", 5000)),
        explicit_shutdown=options.explicit_shutdown,
        upload_url=options.upload_url,
        slots=int(numbers.get("COG_MAX_CONCURRENCY", 0)) or None,
        threads=int(numbers.get("COG_THREADS", 1)) or 1,
        setup_timeout=numbers.get("COG_SETUP_TIMEOUT", 0) or None,
        log_level=log_level(env, numbers.warnings),
        log_console=is_for_people(options.log_format, env, numbers.warnings),
        sampler=_sampler(env, numbers.warnings),
        webhook_interval=numbers.get("COG_THROTTLE_RESPONSE_INTERVAL", 0.5),
        webhook_token=env.get("WEBHOOK_AUTH_TOKEN") or None,
        user_agent=env.get("COG_USER_AGENT") or f"cog-runtime/{__version__}",
        stream_history=int(numbers.get("COG_STREAM_HISTORY_CAPACITY", 1024)),
        schema=(env["COG_SCHEMA"],) if env.get("COG_SCHEMA") else _SCHEMAS,
        worker_command=tuple(env.get("COG_WORKER_COMMAND", "").split()),
        body_limit=int(numbers.get("COG_MAX_BODY_BYTES", 100 * _MIB)),
        log_limit=int(numbers.get("COG_MAX_LOG_BYTES", 8 * _MIB)),
        workers=int(numbers.get("COG_WORKERS", 1)) or 1,
        restarts=int(numbers.get("COG_MAX_RESTARTS", 10)),
        queue=int(numbers.get("COG_QUEUE", 0)),
        batch=(int(numbers.get("COG_BATCH_SIZE", 0)) or None, numbers.get_or_none("COG_BATCH_WINDOW")),
        timeout=numbers.get("COG_PREDICT_TIMEOUT", 0) or None,
        history=int(numbers.get("COG_HISTORY", 100)),
        history_size=int(numbers.get("COG_HISTORY_BYTES", 32 * _MIB)),
        drain_timeout=numbers.get("COG_DRAIN_TIMEOUT", 0) or None,
        auth_token=env.pop("COG_AUTH_TOKEN", "") or None,
        cors_origins=tuple(env.get("COG_CORS_ORIGINS", "").replace(",", " ").split()),
        tls=_tls(env),
        ca_cert=env.get("COG_CA_CERT") or None,
        kubernetes="KUBERNETES_SERVICE_HOST" in env,
        warnings=(*numbers.warnings, *_without_effect(env)),
    )


def _sampler(environ: Mapping[str, str], warnings: list[str]) -> Sampler | None:
    if not any(name.startswith("OTEL_") for name in environ):
        return None
    from cog_runtime.server.sampling import sampler  # noqa: PLC0415 - few want traces

    return sampler(environ, warnings)


def _without_effect(environ: Mapping[str, str]) -> list[str]:
    """Say plainly what those get who know upstream's server and set something that this one has no use for."""
    found = []
    if environ.get("SENTRY_DSN"):
        found.append(
            "SENTRY_DSN has no effect on the server: failures are in its log, its answers and /metrics; "
            "a model that uses sentry_sdk itself reports as before"
        )
    if environ.get("RUST_WORKER_DIRECT_LOG"):
        found.append("RUST_WORKER_DIRECT_LOG has no effect: all that the worker writes is in this log already")
    return found


def _tls(environ: Mapping[str, str]) -> tuple[str, str] | None:
    certificate, key = (environ.get(name) or None for name in ("COG_TLS_CERT", "COG_TLS_KEY"))
    if certificate is None and key is None:
        return None
    if certificate is None:
        raise UsageError("COG_TLS_KEY is set, but not COG_TLS_CERT")
    return certificate, key or certificate


def _needed(references: Mapping[str, str | None], mode: str) -> str:
    reference = references[mode]
    if reference is None:
        variable = f"COG_{mode.upper()}_TYPE_STUB"
        raise UsageError(
            f"ERROR: {variable} environment variable is not set.\n"
            f"It names the file and the class or function to {mode} with, such as {mode}.py:Name.\n"
            "Images built by cog set it; outside of one, set it yourself."
        )
    return reference


class _Numbers:
    """Reads numbers; what is none, or is negative, is ignored with a warning."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.warnings: list[str] = []

    def get_or_none(self, name: str) -> float | None:
        value = self.get(name, -1)
        return None if value < 0 else value

    def get(self, name: str, default: float) -> float:
        text = self._environ.get(name, "")
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            self.warnings.append(f"{name} is ignored: not a number of at least 0: {text!r}")
            return default
        return value


class _Options(NamedTuple):
    host: str
    mode: str = "predict"
    explicit_shutdown: bool = False
    upload_url: str | None = None
    log_format: str | None = None


def _parse(arguments: Sequence[str], usual: _Options) -> _Options:
    import argparse  # noqa: PLC0415 - most servers start without arguments

    parser = argparse.ArgumentParser(prog="python -m cog.server.http", description="Serve a model over HTTP.")
    parser.add_argument("-v", "--version", action="version", version=f"cog-runtime {__version__}")
    parser.add_argument("--host", default=usual.host, help="address to listen on")
    parser.add_argument("--threads", type=int, help="accepted for older callers; has no effect, COG_THREADS has")
    parser.add_argument("--upload-url", help="where output files are uploaded to")
    parser.add_argument(
        "--await-explicit-shutdown", type=_yes, default=False, help="ignore SIGTERM and wait for POST /shutdown"
    )
    parser.add_argument("--x-mode", choices=("predict", "train"), default="predict", help="what to serve")
    parser.add_argument("--log-format", choices=("json", "text"), help="one JSON object a line, or text for people")
    found = parser.parse_args(arguments)
    return _Options(found.host, found.x_mode, found.await_explicit_shutdown, found.upload_url, found.log_format)


def _yes(text: str) -> bool:
    return text.lower() not in {"", "0", "false", "no"}


def own_environment(changes: Mapping[str, str]) -> None:
    """Set variables for this process too, such as the CA bundle for its own connections."""
    os.environ.update(changes)


def interpreter() -> str:
    """Return the path of this Python, which also runs the worker."""
    return sys.executable
