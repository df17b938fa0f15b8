"""``GET /health-check``: always 200, and in the body how the worker is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cog_runtime import __version__
from cog_runtime.server.codec import dumps
from cog_runtime.server.responses import send_json
from cog_runtime.server.worker import DEAD, FAILED, READY, STARTING, Worker

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_LIMIT = 5.0
_SETUP = {STARTING: "starting", READY: "succeeded", DEAD: "succeeded", FAILED: "failed"}
_READY_FILE = "/var/run/cog/ready"


class Health:
    """Tells how the worker is.

    Args:
        worker: The worker.
        kubernetes: Write the file that upstream's readiness probes look for.
    """

    def __init__(self, worker: Worker, *, kubernetes: bool) -> None:
        self._worker = worker
        self._kubernetes = kubernetes
        self._check: asyncio.Task[str | None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del scope, receive
        await send_json(send, 200, dumps(await self._report()))

    async def _report(self) -> dict[str, Any]:
        worker = self._worker
        problem = None
        if worker.state == READY and worker.has_healthcheck:
            problem = await self._healthcheck()
        report: dict[str, Any] = {"status": self._status(problem), "setup": self._setup(), "version": self._version()}
        report["runtime"] = {"slots": worker.slots, "running": worker.running}
        if problem is not None:
            report["user_healthcheck_error"] = problem
        if self._kubernetes and worker.state == READY:
            self._kubernetes = False
            _touch(Path(_READY_FILE))
        return report

    def _status(self, problem: str | None) -> str:
        worker = self._worker
        if worker.state == READY:
            if problem is not None:
                return "UNHEALTHY"
            return "BUSY" if worker.running >= worker.slots else "READY"
        return {STARTING: "STARTING", FAILED: "SETUP_FAILED"}.get(worker.state, "DEFUNCT")

    def _setup(self) -> dict[str, Any]:
        worker = self._worker
        setup: dict[str, Any] = {"started_at": worker.setup_started}
        if worker.setup_completed is not None:
            setup["completed_at"] = worker.setup_completed
        setup["status"] = _SETUP[worker.state]
        setup["logs"] = worker.setup_logs
        return setup

    def _version(self) -> dict[str, str]:
        versions = self._worker.versions
        found = {"coglet": __version__, "cog": versions.sdk, "python_sdk": versions.sdk, "python": versions.python}
        return {name: value for name, value in found.items() if value}

    async def _healthcheck(self) -> str | None:
        """Run the model's check; requests that come meanwhile share it."""
        if self._check is None or self._check.done():
            self._check = asyncio.ensure_future(self._worker.healthcheck(_LIMIT))
        return await asyncio.shield(self._check)


def _touch(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError:
        pass  # outside of such a cluster nobody looks for it
