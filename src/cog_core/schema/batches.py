"""Batched methods, which take and return lists: the schema describes one request."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from cog_core.schema.constants import Unreadable
from cog_core.schema.decorators import MAX_CONCURRENCY, is_from_cog, whole_number
from cog_core.schema.model import Mode
from cog_core.schema.place import Place, Purpose
from cog_core.schema.shapes import ListOf, Nullable, Scalar, Shape, Stream

if TYPE_CHECKING:
    from cog_core.schema.constants import Reader
    from cog_core.schema.fields import Report
    from cog_core.schema.parameters import Signature

SIZE: Final = 8
WINDOW: Final = 0.01
"""What ``@cog.batch`` means without arguments (``cog/_decorators.py``)."""

_FORM: Final = "Write @cog.batch(max_size=8, window=0.01); the window is in seconds."


def read_batch(signature: Signature, reader: Reader, report: Report) -> tuple[int, float] | None:
    """Return ``max_size`` and ``window`` of ``@batch``; None without the decorator."""
    for node in signature.function.decorator_list:
        if is_from_cog(node, "batch", signature, reader):
            return _arguments(node, signature, reader, report)
    return None


def _arguments(node: ast.expr, signature: Signature, reader: Reader, report: Report) -> tuple[int, float]:
    words = {word.arg: word.value for word in node.keywords} if isinstance(node, ast.Call) else {}
    place = Place(signature.scope, signature.name, Purpose.OUTPUT)
    if (isinstance(node, ast.Call) and node.args) or not set(words) <= {"max_size", "window"}:
        report.problem(place.problem(node, "@batch only takes the arguments max_size and window", _FORM))
        return SIZE, WINDOW
    size: int | None = SIZE
    window: float | None = WINDOW
    if "max_size" in words:
        size = whole_number(words["max_size"], signature, reader)
    if "window" in words:
        window = _seconds(words["window"], signature, reader)
    if size is None or not 1 <= size <= MAX_CONCURRENCY:
        report.problem(place.problem(node, "@batch max_size must be an integer literal of at least 1", _FORM))
    if window is None or window < 0:
        report.problem(place.problem(node, "@batch window must be a number of at least 0", _FORM))
    return size or SIZE, WINDOW if window is None else window


def _seconds(node: ast.expr, signature: Signature, reader: Reader) -> float | None:
    try:
        value = reader.json(node, signature.scope)
    except Unreadable:
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def check(signature: Signature, mode: Mode, reader: Reader, report: Report) -> bool:
    """Report what cannot be batched, and return whether the function can be."""
    place = Place(signature.scope, signature.name, Purpose.OUTPUT)
    facts = (
        (mode is Mode.TRAIN, "a training cannot be batched", "Remove @cog.batch; it is for predictions."),
        (
            any(is_from_cog(node, "input", signature, reader) for node in signature.function.decorator_list),
            "inputs declared with @cog.input cannot be batched",
            "Declare them in the signature: `prompt: list[str]`.",
        ),
    )
    for is_so, message, hint in facts:
        if is_so:
            report.problem(place.problem(signature.function, message, hint))
            return False
    return True


def item_of(shape: Shape, node: ast.expr, place: Place) -> Shape:
    """Return what one request gives or gets, where the method has a list with an item for each.

    Raises:
        ProblemFound: It is no list.
    """
    if isinstance(shape, ListOf) and not place.yields:
        return shape.item
    if shape is Scalar.ANYTHING:
        return shape
    what = f"parameter '{place.key}' of" if place.is_input else "the output of"
    message = f"{what} a batched method is a list with one item for each request, not {place.text_of(node)}"
    if isinstance(shape, Stream) or place.yields:
        raise place.wrong(node, "a batched method cannot be a generator", "Return a list: `-> list[str]`.")
    hint = "Write `list[Optional[...]]` for what a request may leave out." if isinstance(shape, Nullable) else None
    raise place.wrong(node, message, hint or f"Write `list[{place.text_of(node)}]`.")
