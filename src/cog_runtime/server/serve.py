"""Serving from the first connection to the last."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Callable

import uvicorn

from cog_runtime.server.access import AccessLog
from cog_runtime.server.app import make_app
from cog_runtime.server.gathering import gathering
from cog_runtime.server.log import DEBUG, ERROR
from cog_runtime.server.memory import keep_memory
from cog_runtime.server.predictions import Predictions
from cog_runtime.server.quick import quick
from cog_runtime.server.schema import NO_SCHEMA, Schema, load
from cog_runtime.server.selector import Selector
from cog_runtime.server.uploads import Uploads
from cog_runtime.server.webhooks import Webhooks
from cog_runtime.server.worker import STARTING
from cog_runtime.server.workers import Workers

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from cog_runtime.server.log import Log
    from cog_runtime.server.settings import Settings
    from cog_runtime.server.spawn import Process
    from cog_runtime.server.trace_process import TraceProcess
    from cog_runtime.server.tracing import Tracer

_THREADS = 32
"""Webhooks, and uploads, at a time."""
_KEEP_ALIVE = 75
"""Seconds that an idle connection stays: longer than load balancers keep theirs, so that they close first."""
_GRACE = 0.7
"""Seconds for the worker to end by itself when there is nothing left to do."""
_WEBHOOK_GRACE = 10.0
_TRACES_GRACE = 5.0
"""Seconds for the last spans to be sent."""
_LAST_BYTES = 3.0
"""Seconds for connections when all work is done: answers on their way, and clients that never finish a request."""
_BACKLOG = 2048
_LOG_PAUSE = 0.01
"""Seconds that a line of the log may wait for others: writing at once is two of ten system calls of a prediction."""


def serve(
    settings: Settings, process: Process, log: Log, spawn: Callable[[], Process], tracing: tuple[str, ...]
) -> int:
    """Serve until told to stop, and return the exit status.

    Args:
        settings: What was set.
        process: The first worker.
        log: Where lines go.
        spawn: Starts another worker.
        tracing: The program that sends traces, where they are wanted.
    """
    # Not uvloop's: docs/decisions/0018-the-servers-event-loop.md
    loop = asyncio.SelectorEventLoop(Selector())
    asyncio.set_event_loop(loop)
    hear_libraries(log)
    try:
        return loop.run_until_complete(_Server(settings, process, log, spawn, tracing).run())
    finally:
        log.flush()
        log.gather(lambda write: write())  # the loop will not come to it any more
        _forget_signals(loop)
        loop.close()


def hear_libraries(log: Log) -> None:
    """Let what the libraries below log be lines of ours."""
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [_Libraries(log)]
        logger.propagate = False
        logger.setLevel(logging.WARNING)


class _Libraries(logging.Handler):
    """Turns records into lines."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record; the exception that belongs to it is a field."""
        try:
            level = min(max(record.levelno // 10 * 10, DEBUG), ERROR)
            fields = {"logger": record.name}
            if record.exc_info and record.exc_info[0]:
                fields["error"] = logging.Formatter().formatException(record.exc_info)
            self._log.write(level, "cog", record.getMessage().rstrip(), fields)
        except Exception:  # noqa: BLE001 - as logging has it: to log must break nothing
            self.handleError(record)


def _forget_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Let no signal meet a loop that is half closed; the end has begun, and nobody needs to ask for it again."""
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class _Server:
    """The parts of a running server."""

    def __init__(
        self,
        settings: Settings,
        process: Process,
        log: Log,
        spawn: Callable[[], Process],
        tracing: tuple[str, ...],
    ) -> None:
        self._settings = settings
        self._log = log
        self._workers = Workers(process, spawn, settings, log)
        self._tracing = tracing
        self._traces: TraceProcess | None = None
        self._stopping = asyncio.Event()
        self._signals = 0

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        self._log.gather(partial(loop.call_later, _LOG_PAUSE))
        self._watch_signals(loop)
        await self._workers.attach()
        # A receiver of webhooks that never answers must not keep uploads, which predictions wait for.
        threads = lru_cache(2)(lambda purpose: ThreadPoolExecutor(_THREADS, thread_name_prefix=f"cog-{purpose}"))
        webhooks = Webhooks(self._settings, self._log, lambda: threads("webhook"))
        uploads = None
        if self._settings.upload_url is not None:
            uploads = Uploads(self._settings.upload_url, self._settings.user_agent, threads("upload"))
        schema = self._schema()
        predictions = Predictions(
            self._workers, schema, self._settings, log=self._log, webhooks=webhooks, upload=uploads
        )
        access_log = AccessLog(self._log, await self._tracer())
        app = make_app(
            self._workers,
            predictions,
            schema=schema,
            settings=self._settings,
            log=self._log,
            stop=self._stopping.set,
            access_log=access_log,
        )
        try:
            sock = _listen(self._settings)
            server = await _start(app, sock, self._settings, self._protocol(predictions, access_log))
        except (OSError, OverflowError) as error:  # the latter for a port that is none
            files = " with certificate {} and key {}".format(*self._settings.tls) if self._settings.tls else ""
            self._log.error(f"Cannot listen on {self._settings.host}:{self._settings.port}{files}", error=str(error))
            await self._workers.stop(0)
            return 1
        self._log.info("Listening", host=self._settings.host, port=sock.getsockname()[1])
        loop.call_later(1, keep_memory)
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        await self._stopping.wait()
        self._log.info("Shutting down", in_flight=len(predictions.in_flight))
        predictions.stopping = True
        # The one closes what listens and what is idle, and waits for answers; the other for what has no connection.
        closing = asyncio.ensure_future(server.shutdown())
        await self._finish(predictions, webhooks)
        if not (await asyncio.wait((closing,), timeout=_LAST_BYTES))[0]:
            server.force_exit = True
        await closing
        if self._traces is not None:
            await self._traces.close(_TRACES_GRACE)
        return 0

    async def _tracer(self) -> Tracer | None:
        if self._settings.sampler is None:
            return None
        from cog_runtime.server.trace_process import TraceProcess  # noqa: PLC0415 - few want traces
        from cog_runtime.server.tracing import Tracer  # noqa: PLC0415 - few want traces

        self._traces = TraceProcess(self._log)
        try:
            await self._traces.start(self._tracing, self._settings.environ)
        except OSError as error:
            self._log.error("Traces cannot be sent", error=str(error))
            self._traces = None
            return None
        return Tracer(self._settings.sampler, self._traces)

    def _protocol(self, predictions: Predictions, access_log: AccessLog) -> Callable[[type[Any]], type[Any]]:
        """Return what becomes of uvicorn's protocol; what guards the routes has to see every request."""
        settings = self._settings
        if settings.auth_token or settings.cors_origins:
            return partial(gathering, access=access_log)
        return lambda usual: quick(usual, predictions, self._log, access_log, body_limit=settings.body_limit)

    async def _finish(self, predictions: Predictions, webhooks: Webhooks) -> None:
        if self._workers.state == STARTING and not self._workers.is_coming_back:
            await self._workers.stop(0)
        try:
            await asyncio.wait_for(predictions.wait_until_idle(), self._settings.drain_timeout)
        except asyncio.TimeoutError:
            self._log.warning("What still runs is ended", in_flight=len(predictions.in_flight))
            self._workers.give_up()
        await asyncio.gather(self._workers.stop(_GRACE), webhooks.drain(_WEBHOOK_GRACE))

    def _schema(self) -> Schema:
        try:
            return load(self._settings.schema)
        except (OSError, ValueError) as error:
            self._log.error("The schema cannot be read; inputs are not validated", error=str(error))
            return NO_SCHEMA

    def _watch_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.add_signal_handler(signal.SIGTERM, self._on_stop_signal, signal.SIGTERM)
        loop.add_signal_handler(signal.SIGINT, self._on_stop_signal, signal.SIGINT)
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        # The worker may have ended before anybody listened.
        loop.call_soon(self._reap)

    def _on_stop_signal(self, number: signal.Signals) -> None:
        if number is signal.SIGTERM and self._settings.explicit_shutdown:
            return
        self._signals += 1
        self._stopping.set()
        if self._signals > 1:
            # Asked twice: whoever asks does not want to wait for what is in flight.
            self._workers.give_up()

    def _reap(self) -> None:
        """Collect processes that have ended: the worker, and as PID 1 everybody's orphans."""
        if os.getpid() == 1:
            while self._reap_one(-1):
                pass
        else:
            for pid in (*self._workers.processes, *((self._traces.pid,) if self._traces else ())):
                self._reap_one(pid)

    def _reap_one(self, wanted: int) -> bool:
        try:
            pid, status = os.waitpid(wanted, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid:
            self._workers.reap(pid, status)
        return bool(pid)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio sets TCP_NODELAY on connections only where the protocol is written out; without it answers take 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((settings.host, settings.port))
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


async def _start(
    app: ASGIApp, sock: socket.socket, settings: Settings, protocol: Callable[[type[Any]], type[Any]]
) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        backlog=_BACKLOG,
        ssl_certfile=settings.tls[0] if settings.tls else None,
        ssl_keyfile=settings.tls[1] if settings.tls else None,
    )
    config.load()
    config.http_protocol_class = protocol(config.http_protocol_class)
    server = uvicorn.Server(config)
    # What Server.serve does around this is signal handling, which is ours here.
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[sock])
    return server
