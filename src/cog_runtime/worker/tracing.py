"""The process that sends traces: ``python FILE``, with a span on each line of standard input, as JSON.

It is started by the server when OpenTelemetry's variables are set, and has the model's packages, OpenTelemetry's
among them; the server has its own and never loads the model's (docs/decisions/0015-traces.md). Those variables are
read by the packages themselves. What it prints gets into the server's log.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any, Iterable, Iterator

_HTTP = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_GRPC = "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"
_WANTED = "opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http"
_NAME = "service.name"


def main() -> int:
    """Send spans until there are no more, and return the exit status."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message).500s")
    try:
        from opentelemetry.sdk import trace  # noqa: PLC0415, F401 - whether it is there is what we want to know

        exporters = list(_exporters())
    except ImportError as error:
        sys.stderr.write(
            "OpenTelemetry's variables are set, but its packages are not in this image, so there are no traces: "
            f"add {_WANTED} to python_requirements ({error})\n"
        )
        return 0
    _Sender(exporters).send(sys.stdin.buffer)
    return 0


def _exporters() -> Iterator[Any]:
    """Yield what the variables name.

    Raises:
        ImportError: Its package is not there.
    """
    for name in (os.environ.get("OTEL_TRACES_EXPORTER") or "otlp").split(","):
        yield _otlp() if name.strip() == "otlp" else _named(name.strip())


def _otlp() -> Any:
    from importlib import import_module  # noqa: PLC0415 - nothing is to be imported that could be missing at the top

    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol == "grpc":
        return import_module(_GRPC).OTLPSpanExporter()
    try:
        return import_module(_HTTP).OTLPSpanExporter()
    except ImportError:
        if protocol:
            raise
        return import_module(_GRPC).OTLPSpanExporter()


def _named(name: str) -> Any:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415 - see above

        return ConsoleSpanExporter(formatter=lambda span: f"{span.to_json(indent=None)}\n")
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and only for exporters of others

    found: Any = entry_points()
    group = "opentelemetry_traces_exporter"
    chosen = found.select(group=group) if hasattr(found, "select") else found.get(group, ())
    for entry in chosen:
        if entry.name == name:
            return entry.load()()
    raise ImportError(f"no exporter named {name!r}")


class _Sender:
    """Makes OpenTelemetry's spans of ours.

    Args:
        exporters: Where they go.
    """

    def __init__(self, exporters: Iterable[Any]) -> None:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - see above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - see above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - see above
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415 - see above

        resource = Resource.create()
        if not os.environ.get("OTEL_SERVICE_NAME") and f"{_NAME}=" not in os.environ.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        ):
            resource = resource.merge(Resource({_NAME: "cog"}))
        self._ids = _Ids()
        ids: Any = self._ids
        # The server has decided already which requests are traced.
        self._provider = TracerProvider(
            resource=resource, sampler=ALWAYS_ON, id_generator=ids, shutdown_on_exit=False
        )
        for exporter in exporters:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("cog")

    def send(self, lines: Iterable[bytes]) -> None:
        """Send all of them, and return when the last one is on its way."""
        try:
            for line in lines:
                self._one(json.loads(line))
        finally:
            self._provider.shutdown()

    def _one(self, told: dict[str, Any]) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415 - see above

        self._ids.trace, self._ids.span = int(told["trace"], 16), int(told["id"], 16)
        span = self._tracer.start_span(
            told["name"],
            context=_context(told),
            kind=SpanKind[told["kind"].upper()],
            attributes=told["attributes"],
            start_time=told["begin"],
        )
        if told["error"] is not None:
            span.set_status(Status(StatusCode.ERROR, told["error"]))
        span.end(told["end"])


def _context(told: dict[str, Any]) -> Any:
    from opentelemetry import trace  # noqa: PLC0415 - see above
    from opentelemetry.context import Context  # noqa: PLC0415 - see above

    if told["parent"] is None:
        return Context()
    above = trace.SpanContext(
        int(told["trace"], 16),
        int(told["parent"], 16),
        is_remote=told["kind"] == "server",
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        trace_state=trace.TraceState.from_header([told["state"]]),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(above), Context())


class _Ids:
    """Gives the next span the ids that it has already."""

    trace = span = 0

    def generate_trace_id(self) -> int:
        """Return the trace's."""
        return self.trace

    def generate_span_id(self) -> int:
        """Return the span's."""
        return self.span

    def is_trace_id_random(self) -> bool:
        """Say nothing about how it was made."""
        return False


if __name__ == "__main__":
    # A script's own folder comes first on its path, and ours is nobody else's.
    del sys.path[0]
    sys.exit(main())
