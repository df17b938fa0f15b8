"""skopeo: a stranger's eyes on our images."""

from __future__ import annotations

from tests.engines.engine import Tool


class Skopeo(Tool):
    """The program ``skopeo``."""

    name = "skopeo"
    how = "install skopeo (Debian: apt-get install skopeo)"
    programs = ("skopeo",)
    packages = ("skopeo",)
