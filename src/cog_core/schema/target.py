"""From ``file.py:Name`` to the function that answers predictions."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import attrs

from cog_core.errors import Origin, Problem
from cog_core.schema.model import Mode
from cog_core.schema.names import Defined, External, Resolver, Scope, Unknown
from cog_core.schema.parameters import Signature
from cog_core.schema.source import ProblemFound

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.schema.modules import Module, Project
    from cog_core.schema.names import Symbol

_METHODS = {Mode.PREDICT: ("run", "predict"), Mode.TRAIN: ("train",)}
_LONG = 100  # names beyond this are not compared with others, which would take long
_OLD_BASES = frozenset({"Model", "Predictor"})


@attrs.frozen(eq=False, repr=False)
class Target:
    """What a reference names.

    Attributes:
        owner: The class; None for a function.
        method: The name of the method; None for a function.
        old: The class derives from ``cog.Model`` or ``cog.Predictor``, the bases of 2021.
        warning: What should be looked at.
    """

    signature: Signature
    owner: Defined | None
    method: str | None
    old: bool = False
    warning: Problem | None = None

    @property
    def docstring(self) -> str | None:
        """What the author says about the model."""
        for node in (self.owner.node if self.owner else None, self.signature.function):
            text = (
                ast.get_docstring(node)
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                else None
            )
            if text:
                return text
        return None


def split_reference(reference: str, origin: Origin | None) -> tuple[str, str]:
    """Return the file and the name of a reference.

    Raises:
        ProblemFound: It has another form, or leads out of the project.
    """
    file, _, name = reference.partition(":")
    if not file or not name:
        raise ProblemFound(
            Problem(
                message=f"invalid predict reference '{reference}' — expected format: file.py:ClassName or "
                "file.py:function_name",
                origin=origin,
                hint="Write it as predict.py:Predictor, for example.",
            )
        )
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or "\0" in file:
        raise ProblemFound(
            Problem(
                message=f'predictor source path "{file}" is outside source directory',
                origin=origin,
                hint="Name a file of the project, relative to its root.",
            )
        )
    return file, name


def open_entry(project: Project, file: str, origin: Origin | None) -> Module:
    """Return the module that a reference names.

    Raises:
        ProblemFound: There is no such file, or it cannot be read or parsed.
    """
    path = project.root / file
    inside = project.inside(path)
    if inside is not None:
        return project.open(inside)
    if _is_there(path):
        raise ProblemFound(
            Problem(
                message=f'predictor source path "{file}" is no file inside the source directory',
                origin=origin or Origin(file=file),
                hint="Name a Python file of the project itself.",
            )
        )
    here = _python_files(path.parent, project.root)
    raise ProblemFound(
        Problem(
            message=f"failed to read predictor source {file}: there is no such file",
            origin=origin or Origin(file=file),
            hint=_nearest(PurePosixPath(file).name, here)
            or _list("The folder has", here)
            or "The folder has no Python file.",
        )
    )


def _is_there(path: Path) -> bool:
    try:
        return path.is_symlink() or path.exists()
    except (OSError, RuntimeError):
        return False


def _python_files(folder: Path, root: Path) -> list[str]:
    try:
        real = folder.resolve()
        return sorted(each.name for each in real.glob("*.py")) if real.is_relative_to(root) else []
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        return []


def find_target(resolver: Resolver, module: Module, name: str, mode: Mode, origin: Origin | None) -> Target:
    """Return the function that a name stands for: itself, or a method of the class.

    Raises:
        ProblemFound: There is no such class, function or method.
    """
    symbol = resolver.resolve(ast.Name(id=name), Scope(module))
    if isinstance(symbol, Defined) and isinstance(symbol.node, ast.ClassDef):
        return _method_of(resolver, symbol, mode)
    if isinstance(symbol, Defined) and isinstance(symbol.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return Target(Signature(symbol.node, symbol.scope, symbol.node.name, bound=False), None, None)
    raise ProblemFound(_no_target(symbol, module, name, origin))


def _no_target(symbol: Symbol, module: Module, name: str, origin: Origin | None) -> Problem:
    source = module.source
    if isinstance(symbol, Unknown) and symbol.problem is not None:
        return symbol.problem
    there = [
        found
        for found, node in module.names.bindings.items()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    binding = module.names.bindings.get(name)
    if isinstance(symbol, External) and symbol.module:
        fact = f"'{name}' of {source.name} is imported from '{symbol.module}', which is no file of the project"
    elif isinstance(binding, ast.expr):
        fact = f"'{name}' of {source.name} is neither a class nor a function"
    else:
        fact = f"{source.name} has no class or function named '{name}'"
    hint = _nearest(name, there) or _list("It has", there) or "It has no class or function at its top level."
    return Problem(message=fact, origin=origin or Origin(file=source.name), hint=hint)


def _method_of(resolver: Resolver, symbol: Defined, mode: Mode) -> Target:
    assert isinstance(symbol.node, ast.ClassDef)
    lineage = resolver.lineage(symbol)
    words = {base.word for base in lineage if isinstance(base, External) and base.package == "cog"}
    words |= {base.name for base in lineage if isinstance(base, Unknown) and not base.module}  # from cog import *
    owner, method = _choose(resolver, symbol, lineage, mode, words)
    found = resolver.member(owner, method)
    assert found is not None
    assert isinstance(found.node, ast.FunctionDef | ast.AsyncFunctionDef)
    warning = None
    if mode is Mode.PREDICT and method == "predict":
        warning = Problem(
            message=f"{symbol.node.name}.predict() is deprecated; use run() instead",
            origin=owner.scope.module.source.origin(found.node, f"{owner.name}.predict"),
            hint="Rename the method to run.",
        )
    signature = Signature(found.node, found.scope, method, bound=True)
    return Target(signature, symbol, method, bool(words & _OLD_BASES), warning)


def _choose(
    resolver: Resolver, symbol: Defined, lineage: tuple[Symbol, ...], mode: Mode, words: set[str]
) -> tuple[Defined, str]:
    """Return the class and the name of the method that is called (reference, section 6.3)."""
    for owner in lineage:
        if isinstance(owner, Defined):
            there = [name for name in _METHODS[mode] if _is_method(resolver, owner, name)]
            if len(there) > 1:
                return owner, _one_of_two(resolver, owner, words)
            if there:
                return owner, there[0]
    assert isinstance(symbol.node, ast.ClassDef)
    name = symbol.node.name
    has = [
        found
        for found, node in resolver.project.body_of(symbol.node).bindings.items()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    wanted = _METHODS[mode]
    hint = next(filter(None, (_nearest(each, has) for each in wanted)), None) or _list("It has", has)
    raise ProblemFound(
        Problem(
            message=f"{name}.train not found" if mode is Mode.TRAIN else f"{name} must define run() or predict()",
            origin=symbol.scope.module.source.origin(symbol.node, name),
            hint=hint or f"Write `def {wanted[0]}(self, prompt: str) -> str:` in it.",
        )
    )


def _is_method(resolver: Resolver, owner: Defined, name: str) -> bool:
    found = resolver.member(owner, name)
    return found is not None and isinstance(found.node, ast.FunctionDef | ast.AsyncFunctionDef)


def _one_of_two(resolver: Resolver, owner: Defined, words: set[str]) -> str:
    """Return which of ``run`` and ``predict`` is meant where a class defines both.

    The one with ``@cog.input`` decorators, else the one that belongs to the base class. Otherwise it is an error,
    as it is when upstream loads such a class (reference, section 7.2).
    """
    assert isinstance(owner.node, ast.ClassDef)
    decorated = [name for name in _METHODS[Mode.PREDICT] if _has_inputs(resolver, owner, name)]
    if len(decorated) == 1:
        return decorated[0]
    if "BasePredictor" in words and "BaseRunner" not in words:
        return "predict"
    if "BaseRunner" in words:
        return "run"
    raise ProblemFound(
        Problem(
            message=f"{owner.node.name} must define either run() or predict(), not both",
            origin=owner.scope.module.source.origin(owner.node, owner.node.name),
            hint="Rename the one that is not called for predictions.",
        )
    )


def _has_inputs(resolver: Resolver, owner: Defined, name: str) -> bool:
    found = resolver.member(owner, name)
    if found is None or not isinstance(found.node, ast.FunctionDef):
        return False
    calls = (each.func for each in found.node.decorator_list if isinstance(each, ast.Call))
    return any(resolver.resolve(each, found.scope) == External("cog.input", "cog") for each in calls)


def _nearest(name: str, names: list[str]) -> str | None:
    import difflib  # noqa: PLC0415 - slow to load, and only needed for mistakes

    near = difflib.get_close_matches(name, names[:500], n=1, cutoff=0.6) if len(name) <= _LONG else None
    return f"Did you mean {near[0]}?" if near else None


def _list(start: str, names: list[str]) -> str | None:
    if not names:
        return None
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{start} {', '.join(names[:10])}{more}."
