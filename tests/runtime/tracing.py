"""OpenTelemetry's packages as a model has them, and a collector that decodes what it is sent."""

from __future__ import annotations

import json
import re
from importlib.metadata import Distribution, distribution
from typing import TYPE_CHECKING, Any

import attrs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.runtime.serving import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.receiver import Receiver

WANTED = "opentelemetry-exporter-otlp-proto-http"


def link_packages(folder: Path) -> None:
    """Put the exporter and all that it needs into a folder, and nothing else."""
    for found in _with_needs(WANTED, {}).values():
        for file in found.files or ():
            first = file.parts[0]
            if not first.startswith((".", "__pycache__")) and not (folder / first).is_symlink():
                if first in {"opentelemetry", "google"}:
                    _merge(folder / first, found.locate_file(first))
                elif not (folder / first).exists():
                    (folder / first).symlink_to(str(found.locate_file(first)))


def _merge(target: Path, source: Any) -> None:
    # Several distributions share these folders; all of them lie in one place here.
    if not target.exists():
        target.symlink_to(str(source))


def _with_needs(name: str, found: dict[str, Distribution]) -> dict[str, Distribution]:
    found[name] = distribution(name)
    for need in found[name].requires or ():
        other = re.split(r"[^A-Za-z0-9._-]", need, maxsplit=1)[0]
        if "extra ==" not in need and other not in found and "python_version <" not in need:
            _with_needs(other, found)
    return found


@attrs.frozen
class Told:
    """A span as the collector got it."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    begin: int
    end: int
    attributes: dict[str, Any]
    failed: bool
    message: str
    state: str
    resource: dict[str, Any]


def spans(receiver: Receiver) -> list[Told]:
    """Return all spans that have come so far."""
    found = []
    for heard in list(receiver.heard):
        if heard.path == "/v1/traces":
            found += list(_decode(heard.body))
    return found


def wait_for(receiver: Receiver, *names: str) -> dict[str, Told]:
    """Return the spans by name once all of these have come."""
    until(lambda: set(names) <= {each.name for each in spans(receiver)})
    return {each.name: each for each in spans(receiver)}


def _decode(body: bytes) -> Any:
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    for group in request.resource_spans:
        resource = _values(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Told(
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    kind=span.kind,
                    begin=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    attributes=_values(span.attributes),
                    failed=span.status.code == 2,
                    message=span.status.message,
                    state=span.trace_state,
                    resource=resource,
                )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def as_json(value: Any) -> str:
    """Return everything that was said in a span, to look for secrets in it."""
    return json.dumps(attrs.asdict(value))
