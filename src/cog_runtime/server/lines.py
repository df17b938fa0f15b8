"""From bytes that the model prints to lines of the server's log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cog_runtime.server.log import Log

_LONGEST = 1 << 16


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
        self._owner: tuple[str, str | None] = ("model", None)

    def add(self, data: bytes, target: str, prediction: str | None = None) -> None:
        """Log the lines that end here; what has no end yet waits, unless somebody else begins to speak."""
        if self._rest and self._owner != (target, prediction):
            self._emit(self._rest)
            self._rest = b""
        self._owner = (target, prediction)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._emit(line)
        if len(self._rest) > _LONGEST:
            self._emit(self._rest)
            self._rest = b""

    def _emit(self, line: bytes) -> None:
        target, prediction = self._owner
        fields = (
            {"source": self._source} if prediction is None else {"source": self._source, "prediction_id": prediction}
        )
        self._log.model(target, line.decode("utf-8", "replace"), **fields)
