"""What a value of ``cog.yaml`` has to look like to become a field: a text, a list, a section.

A field is declared with its shape, such as ``gpu: bool = flag()``. A shape reads a plain value (a text, a list, a
dictionary, or None for an item that is empty) and adds what does not fit to a list: all of it is told at once.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from cog_core.config.nodes import Path

    Shape: TypeAlias = "Callable[[Any, Path, list[Misfit]], Any]"

_T = TypeVar("_T")
_SHAPE: Final = "shape"
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")
_FLAGS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1", "t", "y"), True),
    **dict.fromkeys(("false", "no", "off", "0", "f", "n"), False),
}


@attrs.frozen
class Misfit(Frozen):
    """A value that does not fit.

    Attributes:
        path: Where it stands, or where it should.
        kind: What it should be, such as ``list``; ``missing``; or ``unknown`` for a key that there is not.
    """

    path: Path
    kind: str


def flag() -> Any:
    """Declare a boolean that is off by default."""
    return attrs.field(default=False, metadata={_SHAPE: _flag})


def text() -> Any:
    """Declare a single value; an empty one counts as not written."""
    return attrs.field(default=None, metadata={_SHAPE: _text})


def texts() -> Any:
    """Declare a list of texts."""
    return attrs.field(default=(), metadata={_SHAPE: _list_of(_string)})


def integer() -> Any:
    """Declare a whole number."""
    return attrs.field(default=None, metadata={_SHAPE: _integer})


def number() -> Any:
    """Declare a finite number."""
    return attrs.field(default=None, metadata={_SHAPE: _number})


def required(pattern: str, kind: str) -> Any:
    """Declare a text that has to be there and to look like a pattern.

    Args:
        pattern: A regular expression for all of it.
        kind: What it is called when it does not.
    """
    return attrs.field(metadata={_SHAPE: _matching(re.compile(pattern, re.DOTALL), kind)})


def matching(pattern: str, kind: str, *, default: str) -> Any:
    """Declare a text that looks like a pattern; one that is not written has a default."""
    return attrs.field(default=default, metadata={_SHAPE: _matching(re.compile(pattern, re.DOTALL), kind)})


def section(cls: type[Any], *, default: Any = None, short: str | None = None, check: str | None = None) -> Any:
    """Declare a mapping.

    Args:
        cls: The type of the section.
        default: Its value when it is not written.
        short: The key that a single text is taken for.
        check: Name of a method that returns the kind of a misfit of the whole section, or None.
    """
    return attrs.field(default=default, metadata={_SHAPE: _section_of(cls, short, check)})


def sections(cls: type[Any], *, single: bool = False) -> Any:
    """Declare a list of mappings.

    Args:
        cls: The type of each.
        single: One mapping may stand without a list.
    """
    shape = _list_of(_section_of(cls))
    return listed(lambda value, *rest: shape([value] if single and isinstance(value, dict) else value, *rest))


def listed(shape: Shape) -> Any:
    """Declare a tuple that a shape of its own reads."""
    return attrs.field(default=(), metadata={_SHAPE: shape})


def list_of(shape: Shape) -> Any:
    """Declare a list of what a shape reads."""
    return listed(_list_of(shape))


def read(cls: type[_T], value: Any, path: Path, misfits: list[Misfit]) -> _T | None:
    """Return a section from a dictionary; None when something does not fit."""
    if not isinstance(value, dict):
        misfits.append(Misfit(path, "mapping"))
        return None
    before, given = len(misfits), {}
    fields = attrs.fields_dict(cls)  # type: ignore[arg-type]  # every section is an attrs class
    for name, field in fields.items():
        if name in value:
            given[name] = field.metadata[_SHAPE](value[name], (*path, name), misfits)
        elif field.default is attrs.NOTHING:
            misfits.append(Misfit((*path, name), "missing"))
    misfits += [Misfit((*path, key), "unknown") for key in value if key not in fields]
    return None if len(misfits) > before else cls(**given)


def _section_of(cls: type[Any], short: str | None = None, check: str | None = None) -> Shape:
    def shape(value: Any, path: Path, misfits: list[Misfit]) -> Any:
        found = read(cls, {short: value} if short and isinstance(value, str) else value, path, misfits)
        if found is not None and check and (kind := getattr(found, check)()):
            misfits.append(Misfit(path, kind))
        return found

    return shape


def _list_of(shape: Shape) -> Shape:
    def all_of(value: Any, path: Path, misfits: list[Misfit]) -> Any:
        if not isinstance(value, list):
            misfits.append(Misfit(path, "list"))
            return ()
        return tuple(shape(item, (*path, index), misfits) for index, item in enumerate(value))

    return all_of


def _matching(pattern: re.Pattern[str], kind: str) -> Shape:
    def shape(value: Any, path: Path, misfits: list[Misfit]) -> Any:
        if isinstance(_string(value, path, misfits), str) and not pattern.fullmatch(value):
            misfits.append(Misfit(path, kind))
        return value

    return shape


def _string(value: Any, path: Path, misfits: list[Misfit]) -> Any:
    if not isinstance(value, str):
        misfits.append(Misfit(path, "string"))
    return value


def _text(value: Any, path: Path, misfits: list[Misfit]) -> Any:
    return (value.strip() or None) if isinstance(_string(value, path, misfits), str) else None


def _flag(value: Any, path: Path, misfits: list[Misfit]) -> Any:
    found = _FLAGS.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        misfits.append(Misfit(path, "boolean"))
    return found


def _integer(value: Any, path: Path, misfits: list[Misfit]) -> Any:
    if not isinstance(value, str) or not _INTEGER.fullmatch(value.strip()):
        misfits.append(Misfit(path, "integer"))
        return None
    return int(value.strip().partition(".")[0])


def _number(value: Any, path: Path, misfits: list[Misfit]) -> Any:
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        misfits.append(Misfit(path, "number"))
    return found
