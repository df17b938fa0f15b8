"""What a registry's refusal means (OCI distribution specification 1.1, "Error Codes")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cog_oci.errors import NotFound, RegistryFailure, Unauthorized

if TYPE_CHECKING:
    from cog_oci.transport import Response

_LARGEST_BODY = 1 << 16
_LONGEST_TEXT = 300
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})


def failure_of(response: Response, *, what: str, reference: str) -> RegistryFailure:
    """Return the error that an answer stands for; its body is read as far as is decent.

    Args:
        response: The answer.
        what: What was tried, such as ``cannot pull the manifest``.
        reference: What it was about.
    """
    status = response.status
    code, text = _explanation(response)
    message = f"{what} of {reference}: " + (text or f"the registry answers {status}")
    if status in {401, 403}:
        hint = "Log in with `cog login`, and check the name and that you may do this."
        return Unauthorized(message, status=status, code=code, reference=reference, hint=hint)
    if status == 404:
        return NotFound(message, status=status, code=code, reference=reference)
    return RegistryFailure(
        message,
        status=status,
        code=code,
        reference=reference,
        retryable=status in _RETRYABLE,
        retry_after=_seconds(response.header("Retry-After")),
    )


def _explanation(response: Response) -> tuple[str | None, str]:
    try:
        first = json.loads(response.read_all(_LARGEST_BODY))["errors"][0]
        code, text = first.get("code"), first.get("message")
    except (RegistryFailure, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None, ""
    shown = " ".join(part for part in (_clean(code), _clean(text)) if part)
    return (code if isinstance(code, str) else None), shown


def _clean(text: object) -> str:
    """Return a stranger's text as one line without control characters."""
    return "".join(char if char.isprintable() else " " for char in str(text or ""))[:_LONGEST_TEXT].strip()


def _seconds(text: str | None) -> float | None:
    """Read ``Retry-After`` in seconds; a date, its other form, is treated as if nothing was said."""
    return float(text) if text and text.isdecimal() and len(text) < 10 else None
