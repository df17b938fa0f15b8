"""The inputs of earlier generations: ``@cog.input("name", type=str)`` above the method (2021, before annotations)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.schema import fields
from cog_core.schema.declarations import Argument, find_arguments, read_arguments
from cog_core.schema.decorators import is_from_cog
from cog_core.schema.place import Place, Purpose
from cog_core.schema.shapes import Nullable, Scalar
from cog_core.schema.source import ProblemFound

if TYPE_CHECKING:
    from cog_core.schema.annotations import Annotations
    from cog_core.schema.constants import Reader
    from cog_core.schema.fields import Report
    from cog_core.schema.model import InputField
    from cog_core.schema.parameters import Signature
    from cog_core.schema.shapes import Shape

_POSITIONS: Final = ("name", "type", "default", "min", "max", "options", "help")
_NEW_NAMES: Final = {"min": "ge", "max": "le", "options": "choices", "help": "description"}
_TYPES: Final = frozenset({Scalar.STRING, Scalar.INTEGER, Scalar.NUMBER, Scalar.BOOLEAN, Scalar.FILE})


def read_decorators(signature: Signature, annotations: Annotations, report: Report) -> tuple[InputField, ...]:
    """Return the inputs that decorators declare, in reading order, from the top down."""
    found: dict[str, InputField] = {}
    for node in signature.function.decorator_list:
        if isinstance(node, ast.Call) and is_from_cog(node, "input", signature, annotations.constants):
            place = Place(signature.scope, signature.name, Purpose.INPUT)
            try:
                field = _field(node, signature, annotations, report)
            except ProblemFound as problem:
                report.problem(problem.problem)
                continue
            if field.name in found:
                hint = "Remove one of the two decorators."
                report.problem(place.problem(node, f"{field.name} is already defined as an argument", hint))
            found.setdefault(field.name, field)
    _compare(found, signature, annotations.constants, report)
    return tuple(found.values())


def _field(node: ast.Call, signature: Signature, annotations: Annotations, report: Report) -> InputField:
    arguments = read_arguments(node, _POSITIONS, signature.scope, annotations.constants)
    name = arguments.pop("name", None)
    place = Place(signature.scope, signature.name, Purpose.INPUT)
    if name is None or not isinstance(name.value, str):
        raise place.wrong(node, "@cog.input has no name that can be read", 'Write @cog.input("prompt", type=str).')
    place = Place(signature.scope, name.value, Purpose.INPUT)
    shape = _shape(arguments.pop("type", None), node, place, annotations)
    _check(arguments, shape, node, place, report)
    default = arguments.get("default")
    if default is not None and default.known and default.value is None:
        shape = Nullable(shape)
    renamed = {_NEW_NAMES.get(key, key): value for key, value in arguments.items()}
    return fields.build(name.value, shape, renamed, signature.scope.module.source.origin(node, name.value), report)


def _shape(argument: Argument | None, node: ast.Call, place: Place, annotations: Annotations) -> Shape:
    if argument is None:
        raise place.wrong(node, "@cog.input has no type", f'Write @cog.input("{place.key}", type=str).')
    shape = annotations.shape(argument.node, place)
    if shape not in _TYPES:
        text = place.text_of(argument.node)
        hint = "Valid types are str, int, float, bool and cog.Path."
        raise place.wrong(argument.node, f"{text} is not a valid input type", hint)
    return shape


def _check(arguments: dict[str, Argument], shape: Shape, node: ast.Call, place: Place, report: Report) -> None:
    """Report what the decorator itself refused when it was called."""
    if shape not in {Scalar.INTEGER, Scalar.NUMBER} and ("min" in arguments or "max" in arguments):
        report.problem(place.problem(node, "non-numeric type cannot have min and max values", "Use int or float."))
    options = arguments.get("options")
    if options is not None and options.known and options.value is not None:
        if shape is Scalar.FILE:
            report.problem(place.problem(node, "file type cannot have options", "Remove the options."))
        elif not isinstance(options.value, tuple) or len(options.value) < 2:
            report.problem(place.problem(node, "options list must have at least two items", "Remove it, or add one."))
    default = arguments.get("default")
    if shape is Scalar.FILE and default is not None and default.known and default.value is not None:
        report.problem(place.problem(node, "cannot use default with Path type", "Only None is a default for a file."))


def _compare(found: dict[str, InputField], signature: Signature, reader: Reader, report: Report) -> None:
    """Report inputs declared twice, and inputs that the method would not take."""
    parameters = {parameter.node.arg: parameter for parameter in signature.parameters}
    for name, field in found.items():
        parameter = parameters.get(name)
        place = Place(signature.scope, name, Purpose.INPUT)
        if parameter is None and signature.function.args.kwarg is None:
            message = f"@cog.input declares '{name}', but {signature.name}() has no such parameter"
            problem = place.problem(signature.function, message, f"Write `def {signature.name}(self, {name}):`.")
            report.problem(attrs.evolve(problem, origin=field.origin))
        elif (
            parameter and parameter.default and find_arguments(parameter.default, signature.scope, reader) is not None
        ):
            message = f"'{name}' is declared by @cog.input and by Input() in the signature"
            report.problem(place.problem(parameter.node, message, "Keep one of the two."))
