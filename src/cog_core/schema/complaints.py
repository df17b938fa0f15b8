"""What is said about annotations that cannot be described; where upstream has a text, it is upstream's."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from cog_core.schema.names import External, Unknown

if TYPE_CHECKING:
    from cog_core.errors import Problem
    from cog_core.schema.names import Symbol
    from cog_core.schema.place import Place
    from cog_core.schema.records import Kind
    from cog_core.schema.source import ProblemFound

_INPUTS = "An input is str, int, float, bool, cog.Path, cog.Secret, dict, a list of those, a Literal or an Enum."
_OUTPUTS = (
    "An output is str, int, float, bool, cog.Path, dict, a list or Iterator of those, or a cog.BaseModel class."
)
_NO_TYPE = "Input is no type: write `prompt: str = Input(...)`."
_HINTS: Final = {
    "Input": _NO_TYPE,
    "FieldInfo": _NO_TYPE,
    "bytes": "Write cog.Path for a file, or str.",
    "date": "Write str, and parse it with date.fromisoformat().",
    "datetime": "Write str, and parse it with datetime.fromisoformat().",
    "PathLike": "Write cog.Path.",
    "set": "JSON has no sets: write list[...] and make a set of it.",
    "Set": "JSON has no sets: write list[...] and make a set of it.",
    "tuple": "JSON has no tuples: write list[...].",
    "Tuple": "JSON has no tuples: write list[...].",
}


def unsupported(node: ast.expr, place: Place, word: str = "") -> ProblemFound:
    """Return the complaint about a type that JSON or the runtime has no place for."""
    text = place.text_of(node)
    if not place.is_input:
        return place.wrong(node, f"unsupported type: {text} is not a supported output type", _hint(word, place))
    if isinstance(node, ast.Subscript) and word:
        return place.wrong(node, f"unsupported type: {word}[...] is not a supported input type", _hint(word, place))
    return place.wrong(node, f"unsupported type: {text}", _hint(word, place))


def no_input(kind: Kind, node: ast.expr, place: Place) -> ProblemFound:
    """Return the complaint about a class that is understood as an output only."""
    return place.wrong(
        node,
        f"unsupported type: {place.text_of(node)}",
        f"A {kind.value} is no input: write dict, or a TypedDict; the model receives a plain dict.",
    )


def no_type(node: ast.expr, place: Place, hint: str | None = None) -> ProblemFound:
    """Return the complaint about a class or a name that stands for no type."""
    other = _INPUTS if place.is_input else "Derive the class from cog.BaseModel, or make it a dataclass."
    return place.wrong(
        node,
        f"cannot resolve type '{place.text_of(node)}' - it is not a primitive type (str, int, float, bool, Path) "
        "and no BaseModel definition was found in the predict file",
        hint or other,
    )


def unresolved(symbol: Symbol, head: ast.expr, place: Place) -> ProblemFound:
    """Return the complaint about a name whose definition cannot be found or read."""
    text = place.text_of(head)
    if isinstance(symbol, External):
        return place.wrong(
            head,
            f"cannot resolve type '{text}' (imported from '{symbol.module}') - external types cannot be statically "
            f"analyzed. If this is a JSON-shaped third-party type, mark it opaque with Annotated[{text}, cog.Opaque]",
            _hint(symbol.word, place),
        )
    if not isinstance(symbol, Unknown) or not symbol.module:
        return no_type(head, place, f"No import and no definition gives a meaning to {text}.")
    message = f"cannot resolve type '{text}' (imported from '{symbol.module}')"
    if symbol.problem is not None:
        return place.wrong(head, f"{message}: {symbol.problem}", symbol.problem.hint)
    return place.wrong(
        head, f"{message}: that file does not define it", f"Define {symbol.name} there, or correct the import."
    )


def unreadable_enum(node: ast.expr, place: Place) -> ProblemFound:
    """Return the complaint about an Enum class whose values only a run would show."""
    message = f"the values of {place.text_of(node)} cannot be statically resolved as texts or numbers"
    return place.wrong(node, message, 'Give each member a literal value: FAST = "fast".')


def deprecated_file(head: ast.expr, place: Place) -> Problem:
    """Return the warning about the type from before ``cog.Path``."""
    return place.problem(
        head, f"'{place.text_of(head)}' is deprecated", "Write cog.Path, and open it where it is read."
    )


def any_value(head: ast.expr, place: Place) -> Problem:
    """Return the warning about an output whose class belongs to a library."""
    return place.problem(
        head,
        f"'{place.text_of(head)}' cannot be described, so the output is described as any value",
        "Return cog.Path for files and pictures, numbers, texts, lists or a cog.BaseModel for the rest.",
    )


def _hint(word: str, place: Place) -> str:
    return _HINTS.get(word, _INPUTS) if place.is_input else _OUTPUTS
