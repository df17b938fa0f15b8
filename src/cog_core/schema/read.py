"""Reads a model's signature from its source, without running any of it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import attrs

from cog_core.errors import Origin, Problem, SchemaError
from cog_core.schema import batches
from cog_core.schema.annotations import Annotations
from cog_core.schema.check import problems_of
from cog_core.schema.constants import Reader
from cog_core.schema.decorated import read_decorators
from cog_core.schema.decorators import is_from_cog, read_concurrency, read_streaming
from cog_core.schema.fields import Report
from cog_core.schema.model import InputField, Mode, ModelSchema
from cog_core.schema.modules import Project
from cog_core.schema.names import Resolver
from cog_core.schema.parameters import MAX_INPUTS, read_parameters
from cog_core.schema.place import Place, Purpose
from cog_core.schema.shapes import Scalar, Stream
from cog_core.schema.source import ProblemFound
from cog_core.schema.target import Target, find_target, open_entry, split_reference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cog_core.schema.parameters import Signature
    from cog_core.schema.shapes import Shape


def read_model(
    root: Path, reference: str, *, mode: Mode, origin: Origin | None = None, batched: bool = False
) -> ModelSchema:
    """Read the signature of a model.

    No code of the project is run, and no file outside ``root`` is read.

    Args:
        root: The project.
        reference: ``file.py:Name``, relative to the root; the name is a class or a function.
        mode: Which method of the class is meant.
        origin: Where the reference is written, for complaints about it.
        batched: ``concurrency.batch`` says what ``@cog.batch`` would: the method takes and returns lists.

    Raises:
        SchemaError: The signature cannot be described; all problems at once, each with file, line and a hint.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    try:
        file, name = split_reference(reference, origin)
        project = Project.at(root, file)
        resolver = Resolver(project)
        target = find_target(resolver, open_entry(project, file, origin), name, mode, origin)
        report = Report(problems.append, warnings.append)
        annotations = Annotations(Reader(resolver), warnings.append)
        schema = _describe(target, annotations, report, reference, mode, batched=batched)
    except ProblemFound as found:
        raise SchemaError([found.problem]) from found
    except RecursionError as error:
        raise SchemaError([_too_deep(reference, origin)]) from error
    problems.extend(problem for field in schema.inputs for problem in problems_of(field))
    if problems:
        raise SchemaError(_unique(problems))
    return attrs.evolve(schema, warnings=tuple(_unique(warnings)))


def _describe(
    target: Target, annotations: Annotations, report: Report, reference: str, mode: Mode, *, batched: bool
) -> ModelSchema:
    signature = target.signature
    if target.warning is not None:
        report.warning(target.warning)
    _refuse_impossible(signature)
    batch = batches.read_batch(signature, annotations.constants, report)
    batched = batches.check(signature, mode, annotations.constants, report) if batched or batch else False
    decorated = read_decorators(signature, annotations, report)
    open_inputs = target.old and not decorated and not _declares(signature)
    if open_inputs:
        inputs = _undeclared(signature)
    else:
        names = frozenset(field.name for field in decorated)
        inputs = (*decorated, *read_parameters(signature, annotations, report, but=names, batched=batched))
    old = target.old or _is_decorated(signature, annotations.constants)
    output = _output(signature, annotations, report, old=old, batched=batched)
    return ModelSchema(
        reference=reference,
        mode=mode,
        method=target.method,
        inputs=inputs,
        output=Scalar.ANYTHING if output is None else output,
        is_async=isinstance(signature.function, ast.AsyncFunctionDef),
        concurrency=read_concurrency(signature, annotations.constants, report),
        streaming=read_streaming(signature, output, annotations.constants, report),
        batch=batch,
        open_inputs=open_inputs,
        description=target.docstring,
    )


def _refuse_impossible(signature: Signature) -> None:
    """Refuse a function with far too many inputs, and one that Python would not load."""
    function = signature.function
    if max(len(signature.parameters), len(function.decorator_list)) > MAX_INPUTS:
        place = Place(signature.scope, signature.name, Purpose.INPUT)
        raise place.wrong(
            function,
            f"{signature.name}() has more than {MAX_INPUTS} inputs",
            "Take a dict, or a file that holds them.",
        )
    seen: set[str] = set()
    for parameter in signature.parameters:
        name = parameter.node.arg
        if name in seen:
            place = Place(signature.scope, name, Purpose.INPUT)
            raise place.wrong(
                parameter.node, f"duplicate argument '{name}' in function definition", "Rename one of the two."
            )
        seen.add(name)


def _is_decorated(signature: Signature, reader: Reader) -> bool:
    return any(is_from_cog(node, "input", signature, reader) for node in signature.function.decorator_list)


def _declares(signature: Signature) -> bool:
    return any(parameter.node.annotation is not None for parameter in signature.parameters)


def _undeclared(signature: Signature) -> tuple[InputField, ...]:
    """Return fields that take any value, for a model of 2021 that declares none."""
    source = signature.scope.module.source
    return tuple(
        InputField(
            name=parameter.node.arg,
            shape=Scalar.ANYTHING,
            required=parameter.default is None,
            origin=source.origin(parameter.node, parameter.node.arg),
        )
        for parameter in signature.parameters
    )


def _output(
    signature: Signature, annotations: Annotations, report: Report, *, old: bool, batched: bool
) -> Shape | None:
    """Return what the function returns, None when that is wrong and reported.

    Only models of 2021, when inputs were decorators, may leave the type of their output open.
    """
    function = signature.function
    yields = _yields(function)
    place = Place(signature.scope, signature.name, Purpose.OUTPUT, yields)
    if function.returns is None:
        fact = f"{signature.name}() has no return annotation"
        hint = f"Write `def {signature.name}(…) -> {'Iterator[str]' if yields else 'str'}:`, or the type that it has."
        if not old:
            report.problem(place.problem(function, fact, hint))
            return None
        report.warning(place.problem(function, f"{fact}, so its output is described as any value", hint))
        return Stream(Scalar.ANYTHING) if yields else Scalar.ANYTHING
    try:
        shape = annotations.shape(function.returns, place)
        return batches.item_of(shape, function.returns, place) if batched else shape
    except ProblemFound as found:
        report.problem(found.problem)
        return None


def _yields(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is a generator; what functions inside it do does not count."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return False


def _unique(problems: list[Problem]) -> Iterator[Problem]:
    yield from dict.fromkeys(problems)


def _too_deep(reference: str, origin: Origin | None) -> Problem:
    return Problem(
        message=f"{reference} is nested too deeply to be read",
        origin=origin or Origin(file=reference.partition(":")[0]),
        hint="Split the expression.",
    )
