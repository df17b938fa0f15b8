"""The decorators ``@cog.streaming`` and ``@cog.concurrent``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from cog_core.schema.constants import Unreadable
from cog_core.schema.names import External, Unknown
from cog_core.schema.place import Place, Purpose
from cog_core.schema.shapes import Stream

if TYPE_CHECKING:
    from cog_core.schema.constants import Reader
    from cog_core.schema.fields import Report
    from cog_core.schema.parameters import Signature
    from cog_core.schema.shapes import Shape

MAX_CONCURRENCY = 2**31 - 1
"""Largest number that a decorator may give."""


def is_from_cog(node: ast.expr, word: str, signature: Signature, reader: Reader) -> bool:
    """Whether a decorator, called or not, is the one of this name in our SDK."""
    head = node.func if isinstance(node, ast.Call) else node
    symbol = reader.resolver.resolve(head, signature.scope)
    if isinstance(symbol, External):
        return symbol.package == "cog" and symbol.word == word
    return isinstance(symbol, Unknown) and symbol.name == word and not symbol.module


def read_streaming(signature: Signature, output: Shape | None, reader: Reader, report: Report) -> bool:
    """Return whether a function is marked with ``@streaming``.

    Args:
        signature: The function.
        output: What it returns; None when that is not known.
        reader: Resolves names.
        report: Takes the complaint that the function returns no stream.
    """
    for node in signature.function.decorator_list:
        if is_from_cog(node, "streaming", signature, reader):
            if output is not None and not isinstance(output, Stream):
                report.problem(
                    _place(signature).problem(
                        node,
                        "@streaming requires Iterator[...], AsyncIterator[...], ConcatenateIterator[...] or "
                        "AsyncConcatenateIterator[...] return type",
                        "Yield the pieces and annotate the function with Iterator[str], for example.",
                    )
                )
            return True
    return False


def read_concurrency(signature: Signature, reader: Reader, report: Report) -> int | None:
    """Return ``max`` of ``@concurrent``, 1 when it names none, None without the decorator."""
    for node in signature.function.decorator_list:
        if is_from_cog(node, "concurrent", signature, reader):
            return _concurrency(node, signature, reader, report)
    return None


def _concurrency(node: ast.expr, signature: Signature, reader: Reader, report: Report) -> int | None:
    if not isinstance(node, ast.Call) or not (node.args or node.keywords):
        return 1
    place = _place(signature)
    message = "@concurrent only supports literal integer max=... arguments"
    if not node.args and [word.arg for word in node.keywords] == ["max"]:
        value = whole_number(node.keywords[0].value, signature, reader)
        message = _refusal(value, isinstance(signature.function, ast.AsyncFunctionDef))
        if not message:
            return value
    report.problem(place.problem(node, message, "Write @cog.concurrent(max=4) above an `async def`."))
    return None


def _refusal(value: int | None, is_async: bool) -> str:  # noqa: FBT001 - a fact, not an option
    if value is None:
        return "@concurrent max must be an integer literal"
    if value < 1:
        return "@concurrent max must be at least 1"
    if value > MAX_CONCURRENCY:
        return "@concurrent max is too large"
    if value > 1 and not is_async:
        return "@concurrent(max > 1) requires an async run() or predict() method"
    return ""


def whole_number(node: ast.expr, signature: Signature, reader: Reader) -> int | None:
    """Return an integer that stands in the source, or None."""
    try:
        value = reader.json(node, signature.scope)
    except Unreadable:
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _place(signature: Signature) -> Place:
    return Place(signature.scope, signature.name, Purpose.OUTPUT)
