"""The Python package index, over the network."""

from __future__ import annotations

import uv

from tests.engines.engine import Engine

_ANSWER = 30.0
_SOME_PACKAGE = "iniconfig"


class Index(Engine):
    """Whichever index ``uv`` uses here; asked for one small package, past its cache."""

    name = "index"
    how = "connect to the network, or point uv at an index that can be reached (UV_DEFAULT_INDEX)"

    def present(self) -> bool:
        return self.why_not() is None

    def why_not(self) -> str | None:
        argv = (uv.find_uv_bin(), "pip", "compile", "--no-cache", "--no-deps", "--quiet", "-")
        done = self.machine.attempt(argv, timeout=_ANSWER, cwd=self.machine.folder("index"), stdin=_SOME_PACKAGE)
        return f"the package index does not answer: {done.stderr.strip()}" if done.returncode else None
