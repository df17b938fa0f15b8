"""Talking to a running model: the door to its HTTP interface."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core import clock
from cog_core.errors import InputInvalid, PredictionError, Problem
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_core.backend import Container

_POLL_SECONDS: Final = 0.05
_HEALTH_TIMEOUT: Final = 10.0
"""Seconds; a model's own health check may take 5."""
_WAITING = frozenset({"STARTING", "UNKNOWN"})
_UP = frozenset({"READY", "BUSY"})


@attrs.frozen
class ModelClient(Frozen):
    """A model that serves Cog's HTTP interface at an address.

    Attributes:
        host: Where it listens.
        port: On which port.
        tls: It speaks HTTPS only. Its certificate is for other names than this address, so nothing is verified: the
            model is one that we started ourselves.
        token: What it wants to see before it answers (``COG_AUTH_TOKEN``).
    """

    host: str
    port: int
    tls: bool = False
    token: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def of(cls, host: str, port: int, environment: Mapping[str, str]) -> ModelClient:
        """Return the client for a model that was started with these variables; an empty one is the same as none."""
        return cls(
            host, port, tls=bool(environment.get("COG_TLS_CERT")), token=environment.get("COG_AUTH_TOKEN") or None
        )

    @property
    def scheme(self) -> str:
        """How its address begins."""
        return "https" if self.tls else "http"

    @property
    def url(self) -> str:
        """The address for a browser."""
        return f"{self.scheme}://{self.host}:{self.port}"

    def health(self) -> dict[str, Any]:
        """Return what ``/health-check`` says; status ``UNKNOWN`` while nothing listens."""
        try:
            status, answer = self._ask("GET", "/health-check", timeout=_HEALTH_TIMEOUT)
        except (OSError, http.client.HTTPException):
            return {"status": "UNKNOWN"}
        return answer if status == http.client.OK and isinstance(answer, dict) else {"status": "UNKNOWN"}

    def schema(self) -> dict[str, Any]:
        """Return the OpenAPI document.

        Raises:
            PredictionError: The model does not give one.
        """
        try:
            status, answer = self._ask("GET", "/openapi.json", timeout=_HEALTH_TIMEOUT)
        except (OSError, http.client.HTTPException) as error:
            raise PredictionError(f"the model has no schema: {error}") from error
        if status != http.client.OK or not isinstance(answer, dict):
            raise PredictionError(f"the model has no schema: /openapi.json answered {status}")
        return answer

    def predict(self, body: Mapping[str, Any], *, path: str = "/predictions") -> dict[str, Any]:
        """Send a prediction, wait for its end and return the response.

        Raises:
            InputInvalid: The model refused the input.
            PredictionError: The model refused the request, or went away.
        """
        try:
            status, answer = self._ask("POST", path, body)
        except (OSError, http.client.HTTPException) as error:
            raise PredictionError(f"the model went away during the prediction: {error}") from error
        if status == http.client.UNPROCESSABLE_ENTITY and isinstance(answer, dict):
            raise InputInvalid(_problems(answer), hint="Give inputs as -i name=value; `cog schema` lists them.")
        if status != http.client.OK or not isinstance(answer, dict):
            reason = answer.get("error", answer) if isinstance(answer, dict) else answer
            raise PredictionError(f"the model refused the request with status {status}: {reason}")
        return answer

    def wait_until_ready(self, container: Container, timeout: float, *, healthy: bool = True) -> None:
        """Return when ``setup()`` has ended well.

        Args:
            container: What the model runs in; its end ends the wait.
            timeout: Seconds that setup may take.
            healthy: Whether the model's own health check has to be content as well.

        Raises:
            PredictionError: Setup failed or took too long, or the container ended.
        """
        deadline = clock.monotonic() + timeout
        while clock.monotonic() < deadline:
            health = self.health()
            status = str(health.get("status", "UNKNOWN"))
            if status in _UP or (status == "UNHEALTHY" and not healthy):
                return
            if status == "SETUP_FAILED":
                raise _setup_failed(_setup_logs(health))
            if status not in _WAITING:
                raise PredictionError(
                    f"the model is {status}: {health.get('user_healthcheck_error', '')}", logs=container.logs()
                )
            if (code := container.wait(0)) is not None:
                raise PredictionError(f"the container ended with status {code} before setup", logs=container.logs())
            clock.sleep(_POLL_SECONDS)
        raise PredictionError(
            f"setup did not end within {timeout:g} s",
            hint="Give it more time with --setup-timeout.",
            logs=container.logs(),
        )

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> tuple[int, Any]:
        connection = self._connection(timeout)
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        try:
            return response.status, json.loads(text)
        except (ValueError, RecursionError):
            return response.status, text[:1000]

    def _connection(self, timeout: float | None) -> http.client.HTTPConnection:
        if not self.tls:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=context)


def _setup_failed(logs: str) -> PredictionError:
    """Return the error with its cause, which is how the logs of a setup that failed end."""
    lines = [line for line in logs.splitlines() if line.strip()]
    message = f"model setup failed: {lines[-1].strip()}" if lines else "model setup failed"
    hint = "The model's output has the traceback; mend setup() or what it needs."
    return PredictionError(message, hint=hint, logs=logs)


def _setup_logs(health: Mapping[str, Any]) -> str:
    setup = health.get("setup")
    return str(setup.get("logs") or "") if isinstance(setup, dict) else ""


def _problems(answer: Mapping[str, Any]) -> list[Problem]:
    """Read the body of a 422 (reference, section 8.3)."""
    details = answer.get("detail")
    found = [
        Problem(message=f"{_place(detail.get('loc'))}: {detail.get('msg', 'invalid')}")
        for detail in (details if isinstance(details, list) else ())
        if isinstance(detail, dict)
    ]
    return found or [Problem(message=f"the inputs could not be validated: {details}")]


def _place(loc: Any) -> str:
    """Return which input is meant, without ``body`` and ``input`` in front of it."""
    return ".".join(map(str, loc[2:])) if isinstance(loc, list) else str(loc)
