"""The server's log: JSON lines in upstream's form, or lines for people, on standard error.

Lines are gathered for some milliseconds, and made and written together: a line per prediction must cost
microseconds, none of which a client waits for, and each write wakes whoever collects the logs.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timezone
from typing import Any, Callable, NamedTuple

from cog_runtime.server.codec import dumps

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
_NAMES = {DEBUG: "DEBUG", INFO: "INFO", WARNING: "WARN", ERROR: "ERROR"}
_STDERR = 2
_MANY = 256
"""Lines that are not kept waiting for more, so that a model that floods its log does not fill the memory."""


class _Line(NamedTuple):
    moment: int
    level: int
    target: str
    message: str
    fields: dict[str, Any]


class Log:
    """Writes lines of at least a level.

    Args:
        level: The lowest level written; what the model prints is always written.
        console: Lines for people instead of JSON.
    """

    def __init__(self, level: int = INFO, *, console: bool = False) -> None:
        self.level = level
        self._bytes = _console if console else _json
        self._lines: list[_Line] = []
        self._later: Callable[[Callable[[], None]], Any] | None = None

    def gather(self, later: Callable[[Callable[[], None]], Any]) -> None:
        """From here on, write by calling ``later(write)``, which lets some time go by."""
        self._later = later

    def debug(self, message: str, **fields: Any) -> None:
        """Log what helps to find a mistake of ours."""
        self.write(DEBUG, "cog", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        """Log what happens."""
        self.write(INFO, "cog", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        """Log what somebody should look at."""
        self.write(WARNING, "cog", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        """Log what failed."""
        self.write(ERROR, "cog", message, fields)

    def model(self, target: str, line: str, **fields: Any) -> None:
        """Log a line that the model printed; it has no level of its own and is always shown."""
        self._add(_Line(time.time_ns(), INFO, f"cog::{target}", line, fields))

    def write(self, level: int, target: str, message: str, fields: dict[str, Any]) -> None:
        """Log a message if its level is high enough."""
        if level >= self.level:
            self._add(_Line(time.time_ns(), level, target, message, fields))

    def flush(self) -> None:
        """Write what was gathered."""
        lines, self._lines = self._lines, []
        data = b"".join(map(self._bytes, lines))
        try:
            while data:
                data = data[os.write(_STDERR, data) :]
        except OSError:
            pass  # nobody listens; serving goes on

    def _add(self, line: _Line) -> None:
        self._lines.append(line)
        if self._later is None or len(self._lines) >= _MANY:
            self.flush()
        elif len(self._lines) == 1:
            self._later(self.flush)


def now() -> str:
    """Return the time in UTC as RFC 3339 has it, with microseconds."""
    return datetime.now(timezone.utc).isoformat()


_SHOWN = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
"""Control characters as text: a client's id must not begin a line of its own, nor talk to a terminal."""


class _Clock:
    """The time as text; the part down to the second is made once per second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def text(self, moment: int) -> str:
        second, micro = divmod(moment // 1000, 1_000_000)
        if second != self._second:
            self._second = second
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._text}.{micro:06d}Z"


_time = _Clock().text


def _json(line: _Line) -> bytes:
    record = {
        "timestamp": _time(line.moment),
        "level": _NAMES[line.level],
        "fields": {"message": line.message, **line.fields},
        "target": line.target,
    }
    return dumps(record) + b"\n"


def _console(line: _Line) -> bytes:
    moment, level, target, message, fields = line
    more = "".join(f" {name}={value}" for name, value in fields.items()).translate(_SHOWN)
    return f"{_time(moment)} {_NAMES[level]:>5} {target}: {message}{more}\n".encode("utf-8", "replace")
