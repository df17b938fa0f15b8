"""umoci: what the example of a plugin builds images with."""

from __future__ import annotations

from tests.engines.engine import Tool


class Umoci(Tool):
    """The program ``umoci``."""

    name = "umoci"
    how = "install umoci (Debian: apt-get install umoci)"
    programs = ("umoci",)
    packages = ("umoci",)
