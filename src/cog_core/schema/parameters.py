"""The parameters of a function as input fields."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.schema import batches, fields
from cog_core.schema.declarations import Argument, find_arguments, plain_default
from cog_core.schema.place import Place, Purpose
from cog_core.schema.shapes import Scalar
from cog_core.schema.source import ProblemFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.schema.annotations import Annotations
    from cog_core.schema.fields import Report
    from cog_core.schema.model import InputField
    from cog_core.schema.modules import Function
    from cog_core.schema.names import Scope
    from cog_core.schema.shapes import Shape


MAX_INPUTS: Final = 500
"""Most inputs of one model."""


@attrs.frozen(eq=False, repr=False)
class Parameter:
    """A parameter with its default."""

    node: ast.arg
    default: ast.expr | None


@attrs.frozen(eq=False, repr=False)
class Signature:
    """A function, and where its annotations and defaults are looked up.

    Attributes:
        name: What messages call it, such as ``run``.
        bound: Its first parameter is the object.
    """

    function: Function
    scope: Scope
    name: str
    bound: bool

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters that a caller gives by name, in order."""
        return tuple(self._parameters())

    def _parameters(self) -> Iterator[Parameter]:
        spec = self.function.args
        positional = [*spec.posonlyargs, *spec.args]
        defaults = [*[None] * (len(positional) - len(spec.defaults)), *spec.defaults]
        first = 1 if self.bound and not self._is_static() else 0
        for node, default in zip(positional[first:], defaults[first:], strict=True):
            yield Parameter(node, default)
        for node, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
            yield Parameter(node, default)

    def _is_static(self) -> bool:
        return any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in self.function.decorator_list)


def read_parameters(
    signature: Signature,
    annotations: Annotations,
    report: Report,
    *,
    but: frozenset[str] = frozenset(),
    batched: bool = False,
) -> tuple[InputField, ...]:
    """Return a field for each parameter.

    Args:
        signature: The function.
        annotations: Reads types.
        report: Takes what is wrong, one problem or more for each parameter.
        but: Parameters that are declared elsewhere.
        batched: Each parameter is a list with one value for each request.
    """
    for extra in (signature.function.args.vararg, signature.function.args.kwarg):
        if extra is not None and extra.annotation is not None:
            place = Place(signature.scope, extra.arg, Purpose.INPUT)
            stars = "*" if extra is signature.function.args.vararg else "**"
            report.problem(
                place.problem(
                    extra,
                    f"unsupported type: {stars}{extra.arg} of {signature.name} cannot be an input",
                    "Name each input, or leave its annotation out if it is never used.",
                )
            )
    _report_nameless(signature, report)
    found = []
    for parameter in signature.parameters:
        if parameter.node.arg not in but:
            try:
                field = _field(parameter, signature, annotations, report, batched=batched)
            except ProblemFound as problem:
                report.problem(problem.problem)
                field = None
            if field is not None:
                found.append(field)
    return tuple(found)


def _report_nameless(signature: Signature, report: Report) -> None:
    """Report parameters before ``/``: a model is called with its inputs by name."""
    nameless = {node.arg for node in signature.function.args.posonlyargs}
    for parameter in signature.parameters:
        if parameter.node.arg in nameless:
            place = Place(signature.scope, parameter.node.arg, Purpose.INPUT)
            fact = f"parameter '{parameter.node.arg}' of {signature.name} cannot be given by name"
            report.problem(place.problem(parameter.node, fact, "Remove the / from the signature."))


def _field(
    parameter: Parameter, signature: Signature, annotations: Annotations, report: Report, *, batched: bool
) -> InputField | None:
    name, annotation = parameter.node.arg, parameter.node.annotation
    place = Place(signature.scope, name, Purpose.INPUT)
    if annotation is None:
        _untyped(parameter, signature, place, report)
        return None
    shape: Shape
    try:
        shape = annotations.shape(annotation, place)
        shape = fields.as_input(batches.item_of(shape, annotation, place) if batched else shape, place, annotation)
    except ProblemFound as found:  # go on with any shape, to find what else is wrong
        report.problem(found.problem)
        shape = Scalar.ANYTHING
    arguments = _arguments(parameter, signature, annotations)
    default = arguments.get("default")
    if default is not None and not default.known and default.node is parameter.default:
        raise place.wrong(
            default.node,
            f"parameter '{name}': default `{place.text_of(default.node)}` cannot be statically resolved",
            "Write the default as a literal or as a constant of the module.",
        )
    return fields.build(name, shape, arguments, signature.scope.module.source.origin(parameter.node, name), report)


def _arguments(parameter: Parameter, signature: Signature, annotations: Annotations) -> dict[str, Argument]:
    """Return the arguments of ``Input``; a plain default is taken for its only argument."""
    if parameter.default is None:
        return {}
    reader = annotations.constants
    found = find_arguments(parameter.default, signature.scope, reader)
    return plain_default(parameter.default, signature.scope, reader) if found is None else found


def _untyped(parameter: Parameter, signature: Signature, place: Place, report: Report) -> None:
    name = parameter.node.arg
    message = f"parameter '{name}' on {signature.name} has no type annotation"
    if parameter.default is not None:
        shown = place.text_of(parameter.default)
        raise place.wrong(parameter.node, message, f"Write `{name}: str = {shown}`, or the type that it has.")
    report.warning(
        place.problem(
            parameter.node,
            f"{message}, so it is no input, and no prediction can give it a value",
            f"Write `{name}: str`, or the type that it has.",
        )
    )
