"""``GET /health-check``: always 200, and in the body how the workers are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cog_runtime import __version__
from cog_runtime.server.codec import dumps
from cog_runtime.server.responses import send_json
from cog_runtime.server.worker import DEAD, FAILED, READY, STARTING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from cog_runtime.server.predictions import Predictions
    from cog_runtime.server.workers import Workers

_LIMIT = 5.0
_SETUP = {STARTING: "starting", READY: "succeeded", DEAD: "succeeded", FAILED: "failed"}
_READY_FILE = "/var/run/cog/ready"


class Health:
    """Tells how the workers are.

    Args:
        workers: The workers.
        predictions: What they do.
        queue: How many predictions may wait.
        kubernetes: Write the file that upstream's readiness probes look for.
    """

    def __init__(self, workers: Workers, predictions: Predictions, *, queue: int, kubernetes: bool) -> None:
        self._workers = workers
        self._predictions = predictions
        self._queue = queue
        self._kubernetes = kubernetes
        self._check: asyncio.Task[str | None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del scope, receive
        await send_json(send, 200, dumps(await self._report()))

    async def _report(self) -> dict[str, Any]:
        problem = await self._healthcheck() if self._workers.state == READY else None
        report: dict[str, Any] = {"status": self._status(problem), "setup": self._setup(), "version": self._version()}
        report["runtime"] = self._runtime()
        if problem is not None:
            report["user_healthcheck_error"] = problem
        if self._kubernetes and self._workers.state == READY:
            self._kubernetes = False
            _touch(Path(_READY_FILE))
        return report

    def _status(self, problem: str | None) -> str:
        if self._workers.state == READY:
            if problem is not None:
                return "UNHEALTHY"
            return "BUSY" if self._workers.free() is None else "READY"
        return {STARTING: "STARTING", FAILED: "SETUP_FAILED"}.get(self._workers.state, "DEFUNCT")

    def _runtime(self) -> dict[str, int]:
        workers = self._workers
        return {
            "slots": workers.slots,
            "running": workers.running,
            "queued": self._predictions.waiting,
            "queue_limit": self._queue,
            "workers": len(workers.processes),
            "workers_ready": workers.ready,
            "restarts": workers.restarts,
        }

    def _setup(self) -> dict[str, Any]:
        worker = self._workers.shown
        setup: dict[str, Any] = {"started_at": worker.setup_started}
        if worker.setup_completed is not None:
            setup["completed_at"] = worker.setup_completed
        setup["status"] = _SETUP[worker.state]
        setup["logs"] = worker.setup_logs
        return setup

    def _version(self) -> dict[str, str]:
        versions = self._workers.shown.versions
        found = {"coglet": __version__, "cog": versions.sdk, "python_sdk": versions.sdk, "python": versions.python}
        return {name: value for name, value in found.items() if value}

    async def _healthcheck(self) -> str | None:
        """Run the model's check; requests that come meanwhile share it."""
        if self._check is None or self._check.done():
            self._check = asyncio.ensure_future(self._workers.healthcheck(_LIMIT))
        return await asyncio.shield(self._check)


def _touch(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError:
        pass  # outside of such a cluster nobody looks for it
