"""Whether and which requests are traced: OpenTelemetry's variables, as its specification of the SDK has them."""

from __future__ import annotations

from typing import Callable, Mapping, Optional

Sampler = Callable[[int, Optional[bool]], bool]
"""Takes a trace's number and whether the caller samples it (None: there is no caller); says whether we do."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_USUAL = "parentbased_always_on"
_PARENT = "parentbased_"
_LOW = (1 << 64) - 1


def sampler(environ: Mapping[str, str], warnings: list[str]) -> Sampler | None:
    """Return what chooses the requests that are traced; None when nobody asked for traces.

    Args:
        environ: The environment.
        warnings: Gets a line for each value that says nothing.
    """
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    wanted = bool(exporter) or any(environ.get(name) for name in _ENDPOINTS)
    if not wanted or exporter == "none" or environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    name = environ.get("OTEL_TRACES_SAMPLER", "").strip().lower() or _USUAL
    chosen = _known(name, environ, warnings)
    if chosen is None:
        warnings.append(f"OTEL_TRACES_SAMPLER is ignored: not one that this server knows: {name!r}")
        chosen = _known(_USUAL, environ, warnings)
    return chosen


def _known(name: str, environ: Mapping[str, str], warnings: list[str]) -> Sampler | None:
    root = name[len(_PARENT) :] if name.startswith(_PARENT) else name
    decide: Sampler
    if root in {"always_on", "always_off"}:
        answer = root == "always_on"
        decide = lambda _trace, _parent: answer  # noqa: E731 - one of two
    elif root == "traceidratio":
        bound = round(_ratio(environ, warnings) * (1 << 64))
        decide = lambda trace, _parent: trace & _LOW < bound  # noqa: E731 - one of two
    else:
        return None
    if root is name:
        return decide
    return lambda trace, parent: decide(trace, None) if parent is None else parent


def _ratio(environ: Mapping[str, str], warnings: list[str]) -> float:
    text = environ.get("OTEL_TRACES_SAMPLER_ARG", "") or "1"
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if 0 <= ratio <= 1:
        return ratio
    warnings.append(f"OTEL_TRACES_SAMPLER_ARG is ignored: not a number from 0 to 1: {text!r}")
    return 1.0
