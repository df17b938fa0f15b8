"""From bytes that the model prints to lines of the server's log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Tuple

if TYPE_CHECKING:
    from cog_runtime.server.log import Log
    from cog_runtime.server.request import Request

_LONGEST = 1 << 16

_Owner = Tuple[str, Optional["Request"]]


class Lines:
    """Cuts one stream into lines.

    Args:
        source: ``stdout`` or ``stderr``.
        log: Where the lines go.
    """

    def __init__(self, source: str, log: Log) -> None:
        self._source = source
        self._log = log
        self._rest = b""
        self._owner: _Owner = ("model", None)

    def add(self, data: bytes, target: str, request: Request | None = None) -> None:
        """Log the lines that end here; what has no end yet waits, unless somebody else begins to speak."""
        if self._rest and self._owner != (target, request):
            self._emit(self._rest)
            self._rest = b""
        self._owner = (target, request)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._emit(line)
        if len(self._rest) > _LONGEST:
            self._emit(self._rest)
            self._rest = b""

    def _emit(self, line: bytes) -> None:
        target, request = self._owner
        fields = {"source": self._source}
        if request is not None:
            fields["prediction_id"] = request.id
            fields["request_id"] = request.request_id
        self._log.model(target, line.decode("utf-8", "replace"), **fields)
