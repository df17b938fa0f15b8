"""A shim for models that import upstream's server module.

Models are meant to use it only for :class:`CancelationException`; the rest says what it can.
"""

from __future__ import annotations

from typing import Any

from cog._version import __version__
from cog.exceptions import CancelationException
from coglet import _sdk

__all__ = ["CancelationException", "__build__", "__version__", "_sdk", "server"]


class _Build:
    """What upstream's module says about how it was made."""

    version = __version__
    git_sha = ""
    dirty = False
    build_time = ""
    rustc_version = ""

    def __repr__(self) -> str:
        return f"BuildInfo(version={self.version!r})"


class _Server:
    """Upstream's server object."""

    @property
    def active(self) -> bool:
        """Whether this process is the worker of a server."""
        import sys  # noqa: PLC0415 - keeps the module's own names few

        return "cog_runtime.worker.main" in sys.modules

    def serve(self, *_: Any, **__: Any) -> None:
        """Refuse: a server is started as a process of its own.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError("start the server with: python -m cog.server.http")


__build__ = _Build()
server = _Server()
