"""What the model's author says of it, for people who meet it in a browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cog_runtime.worker.loading import Model

_LONGEST = 10_000
_SAYS_NOTHING = "Run a single prediction on the model"
"""What templates of models begin with."""


def description_of(model: Model) -> str:
    """Return the docstrings of the model's file and of its class or function; without either, that of the method.

    A docstring that is inherited, or that is a template's, does not count.
    """
    named = model.holder if hasattr(model.holder, "__code__") else type(model.holder)
    own = vars(named).get("__doc__") if isinstance(named, type) else named.__doc__
    module = sys.modules.get(named.__module__)
    texts = [_clean(getattr(module, "__doc__", None)), _clean(own)]
    if not any(texts):
        texts = [_clean(getattr(model.call, "__doc__", None))]
    return "\n\n".join(text for text in texts if text and not text.startswith(_SAYS_NOTHING))[:_LONGEST]


def _clean(text: object) -> str:
    """Return a docstring without the indentation that its lines share (PEP 257)."""
    if not isinstance(text, str):
        return ""
    first, *rest = text.strip().expandtabs().splitlines() or [""]
    indent = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    return "\n".join([first, *(line[indent:].rstrip() for line in rest)])
