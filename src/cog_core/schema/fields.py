"""From a name, a shape and the arguments of ``Input(...)`` to an input field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_core.errors import Problem
from cog_core.schema.model import Default, InputField
from cog_core.schema.shapes import Choice, Json, ListOf, Nullable, OneOf, Scalar, Shape

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping

    from cog_core.errors import Origin
    from cog_core.schema.declarations import Argument
    from cog_core.schema.place import Place

KNOWN: Final = (
    "default", "default_factory", "description", "ge", "le", "min_length", "max_length", "regex", "choices",
    "deprecated", "accept",
)  # fmt: skip
"""The arguments of ``cog.Input`` (reference, section 7.3)."""

_CONSTRAINTS = ("ge", "le", "min_length", "max_length", "regex", "choices")
_UNION_MEMBERS = frozenset({Scalar.STRING, Scalar.INTEGER, Scalar.NUMBER, Scalar.BOOLEAN, Scalar.OBJECT})
_NAMES = {Scalar.FILE: "Path", Scalar.SECRET: "Secret"}


@attrs.frozen(eq=False, repr=False)
class Report:
    """Where what is found goes.

    Attributes:
        problem: Takes what has to be changed.
        warning: Takes what works but should be looked at.
    """

    problem: Callable[[Problem], None]
    warning: Callable[[Problem], None]


def as_input(shape: Shape, place: Place, node: ast.expr) -> Shape:
    """Return a shape if an input can have it.

    Raises:
        ProblemFound: It cannot (reference, section 6.4).
    """
    plain = shape.of if isinstance(shape, Nullable) else shape
    if isinstance(plain, OneOf):
        for member in plain.members:
            _check_member(member, place, node)
    elif isinstance(plain, ListOf):
        _check_item(plain.item, place, node)
    return shape


def _check_member(member: Shape, place: Place, node: ast.expr) -> None:
    inner = member
    while isinstance(inner, ListOf):
        inner = inner.item
    if isinstance(inner, Nullable):
        raise place.wrong(
            node, "unsupported type: nested nullable variants are not supported in union inputs", _PLAIN
        )
    if isinstance(inner, OneOf):
        raise place.wrong(node, "unsupported type: nested union inputs are not supported", _PLAIN)
    if isinstance(inner, Scalar) and inner in _NAMES:
        name = _NAMES[inner]
        raise place.wrong(
            node, f"unsupported type: {name} is not supported in union inputs", f"Write {name} alone, or two inputs."
        )


def _check_item(item: Shape, place: Place, node: ast.expr) -> None:
    while isinstance(item, ListOf):
        item = item.item
    if isinstance(item, Nullable | OneOf):
        inner = "Optional" if isinstance(item, Nullable) else "Union"
        raise place.wrong(
            node,
            f"unsupported type: nested generics like List[{inner}[X]] are not supported",
            "Write list[str], for example.",
        )


def build(name: str, shape: Shape, arguments: Mapping[str, Argument], origin: Origin, report: Report) -> InputField:
    """Return the field; what is wrong with single arguments goes to the report."""
    reading = _Reading(name, arguments, report)
    reading.refuse_unknown()
    shape, fixed = _split(shape)
    plain = shape.of if isinstance(shape, Nullable) else shape
    if isinstance(plain, OneOf) and any(reading.given(each) for each in _CONSTRAINTS):
        reading.wrong("unsupported type: constraints and choices are not supported on union inputs", _PLAIN)
    accept = reading.text("accept")
    if accept is not None and _innermost(plain) not in {Scalar.FILE, Scalar.ANYTHING}:
        reading.wrong(
            f"accept is only valid on Path or File inputs (parameter '{name}')",
            f"Write `{name}: cog.Path`.",
            "accept",
        )
    choices = reading.choices(_innermost(plain)) or fixed
    shape, required, default = _defaulted(shape, reading)
    return InputField(
        name=name,
        shape=shape,
        required=required,
        default=default,
        choices=choices,
        description=reading.text("description"),
        minimum=reading.number("ge"),
        maximum=reading.number("le"),
        min_length=reading.count("min_length"),
        max_length=reading.count("max_length"),
        pattern=reading.text("regex"),
        deprecated=reading.flag("deprecated"),
        accept=accept,
        origin=origin,
    )


def _split(shape: Shape) -> tuple[Shape, tuple[Json, ...]]:
    """Take the fixed values of a Literal or an Enum out of a shape, as if they were written as ``choices``."""
    match shape:
        case Choice(values=values, base=base):
            return base, values
        case Nullable(of=inner):
            plain, values = _split(inner)
            return Nullable(plain), values
        case ListOf(item=inner):
            plain, values = _split(inner)
            return ListOf(plain), values
    return shape, ()


def _innermost(shape: Shape) -> Shape:
    while isinstance(shape, ListOf):
        shape = shape.item
    return shape


def _defaulted(shape: Shape, reading: _Reading) -> tuple[Shape, bool, Default | None]:
    """Return the shape, whether the input is required, and its default (reference, section 6.4, "Required list")."""
    nullable = isinstance(shape, Nullable)
    argument = reading.arguments.get("default")
    if argument is None:
        union = isinstance(shape, Nullable) and isinstance(shape.of, OneOf)
        return shape, not nullable or union, None
    if not argument.known:
        reading.warn(
            f"the default of '{reading.name}' cannot be known without running it, so the schema does not show it",
            "Write it as a literal or as a constant of the module.",
            "default",
        )
        return shape, False, None
    if argument.value is not None and Scalar.SECRET in {shape, shape.of if isinstance(shape, Nullable) else shape}:
        reading.warn(
            f"parameter '{reading.name}': everybody who has the image can read its default",
            "Leave the default out, or write None.",
            "default",
        )
    if argument.value is not None or nullable:
        return shape, False, Default(argument.value)
    if shape is Scalar.SECRET:
        return Nullable(shape), False, Default(None)
    reading.warn(
        f"parameter '{reading.name}': default None does not make it optional, since None is not of its type",
        f"Write `{reading.name}: Optional[...] = None`, or give it another default.",
        "default",
    )
    return shape, True, None


@attrs.frozen(eq=False, repr=False)
class _Reading:
    """The arguments of one field, and where to complain about them."""

    name: str
    arguments: Mapping[str, Argument]
    report: Report

    def given(self, key: str) -> bool:
        argument = self.arguments.get(key)
        if argument is None:
            return False
        return not argument.known or (argument.value is not None and argument.value != ())

    def refuse_unknown(self) -> None:
        if self.given("default_factory"):
            self.wrong(
                f"parameter '{self.name}': default_factory is not supported in static schema generation",
                "Write the default as a literal: Input(default=[]).",
                "default_factory",
            )
        for key in self.arguments:
            if key.startswith("#"):
                self.wrong(f"parameter '{self.name}': Input() takes one positional argument", "Name the others.", key)
            elif key == "**":
                self.warn(f"parameter '{self.name}': the arguments behind ** cannot be known", "Write them out.", key)
            elif key not in KNOWN:
                import difflib  # noqa: PLC0415 - slow to load, and only needed for mistakes

                near = difflib.get_close_matches(key, KNOWN, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(KNOWN)}."
                self.warn(f"parameter '{self.name}': Input() has no argument '{key}'", hint, key)

    def choices(self, item: Shape) -> tuple[Json, ...]:
        argument = self.arguments.get("choices")
        if argument is None or not self.given("choices"):
            return ()
        values = argument.value if isinstance(argument.value, tuple) else None
        if not argument.known or values is None:
            self.wrong(
                f"parameter '{self.name}': choices expression cannot be statically resolved: "
                f"{argument.scope.module.source.text_of(argument.node)}",
                'Write the values out: choices=["a", "b"], here or as a constant of the module.',
                "choices",
            )
            return ()
        wrong = [value for value in values if not _fits(value, item)]
        if wrong:
            self.warn(f"parameter '{self.name}': {wrong[0]!r} of its choices is no {_word(item)}", _MATCH, "choices")
        return values

    def text(self, key: str) -> str | None:
        value = self._value(key)
        if value is None or isinstance(value, str):
            return value
        self._unfit(key, "a text")
        return None

    def number(self, key: str) -> float | None:
        value = self._value(key)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        self._unfit(key, "a number")
        return None

    def count(self, key: str) -> int | None:
        value = self._value(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
            return value
        self._unfit(key, "a whole number")
        return None

    def flag(self, key: str) -> bool:
        return self._value(key) is True

    def _value(self, key: str) -> Json:
        argument = self.arguments.get(key)
        if argument is None:
            return None
        if not argument.known:
            self.warn(
                f"parameter '{self.name}': {key} cannot be known without running it, so the schema leaves it out",
                "Write it as a literal or as a constant of the module.",
                key,
            )
        return argument.value

    def _unfit(self, key: str, wanted: str) -> None:
        self.wrong(f"parameter '{self.name}': {key} is {self._written(key)}", f"It has to be {wanted}.", key)

    def _written(self, key: str) -> str:
        argument = self.arguments[key]
        return argument.scope.module.source.text_of(argument.node)

    def wrong(self, message: str, hint: str | None, key: str | None = None) -> None:
        """Report something that has to be changed."""
        self.report.problem(self._problem(message, hint, key))

    def warn(self, message: str, hint: str | None, key: str | None = None) -> None:
        """Report something that should be looked at."""
        self.report.warning(self._problem(message, hint, key))

    def _problem(self, message: str, hint: str | None, key: str | None) -> Problem:
        argument = self.arguments.get(key) if key else next(iter(self.arguments.values()), None)
        if argument is None:
            return Problem(message=message, hint=hint)
        source = argument.scope.module.source
        return Problem(message=message, origin=source.origin(argument.node, self.name), hint=hint)


def _word(shape: Shape) -> str:
    return shape.value if isinstance(shape, Scalar) else "value of its type"


def _fits(value: Json, shape: Shape) -> bool:
    """Whether a choice has the type of its parameter."""
    if not isinstance(shape, Scalar):
        return True
    kinds = _KINDS.get(shape)
    return kinds is None or (isinstance(value, kinds) and (shape is Scalar.BOOLEAN or not isinstance(value, bool)))


_KINDS: Final[dict[Scalar, tuple[type, ...]]] = {
    Scalar.STRING: (str,),
    Scalar.INTEGER: (int,),
    Scalar.NUMBER: (int, float),
    Scalar.BOOLEAN: (bool,),
}
_MATCH: Final = "Write the choices as values of the annotated type, or change the annotation."
_PLAIN: Final = "Write one plain type, such as str or list[str]."
