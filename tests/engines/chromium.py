"""A browser, to look at pages that we serve."""

from __future__ import annotations

import shutil

from tests.engines.engine import Tool

_NAMES = ("chromium", "chromium-browser", "google-chrome")


class Chromium(Tool):
    """Chromium under any of its names; :meth:`path` says which."""

    name = "chromium"
    how = "install Chromium (Debian: apt-get install chromium)"
    programs = _NAMES
    packages = ("chromium",)

    def path(self) -> str | None:
        """Return where the browser is; None: there is none."""
        found = (shutil.which(name, path=self.machine.environ.get("PATH")) for name in _NAMES)
        return next(filter(None, found), None)

    def missing(self) -> list[str]:
        return [] if self.path() else ["chromium"]
