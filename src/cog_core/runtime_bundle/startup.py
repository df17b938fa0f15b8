"""One line for the image's Python, so that a model's ``types.py`` cannot stop ``python -m cog.server.http``.

``-m`` puts the working folder first on the path and then imports ``runpy``, whose own imports would come from there
before any code of ours runs. A ``.pth`` file is read earlier; it imports ``runpy`` while only the standard library is
in reach, and only where ``-m`` is about to do so anyway.
"""

from typing import Final

from cog_core.ir.lower import STARTUP_FILE

__all__ = ["STARTUP_FILE", "STARTUP_TEXT"]

STARTUP_TEXT: Final = "import sys; getattr(sys, 'argv', [''])[:1] == ['-m'] and __import__('runpy')\n"
"""Its content."""
