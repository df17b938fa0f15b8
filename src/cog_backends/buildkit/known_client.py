"""The ``buildctl`` of this machine: its version is asked once, as long as the program is the same file."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from cog_oci.files import replace_file

if TYPE_CHECKING:
    from cog_core.settings import Settings


class KnownClient:
    """Remembers which program was new enough: asking it is a process, and takes longer than much of a small build.

    Args:
        settings: Say where programs and the cache are.
    """

    def __init__(self, settings: Settings) -> None:
        self._file = settings.cache / "buildctl.json"
        self._found = _found(settings.environ.get("PATH"))

    @property
    def is_known(self) -> bool:
        """Whether this very program was new enough before."""
        try:
            return self._found is not None and json.loads(self._file.read_bytes()) == self._found
        except (OSError, ValueError):
            return False

    def remember(self) -> None:
        """Note that it is new enough."""
        if self._found is not None:
            with contextlib.suppress(OSError):
                self._file.parent.mkdir(parents=True, exist_ok=True)
                replace_file(self._file, json.dumps(self._found).encode())


def _found(path: str | None) -> list[str | int] | None:
    program = shutil.which("buildctl", path=path)
    if program is None:
        return None
    info = Path(program).stat()
    return [program, info.st_ino, info.st_size, info.st_mtime_ns]
