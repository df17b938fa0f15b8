"""The modules of a project and the names that they bind, read on demand and never from outside the project."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from cog_core.errors import Origin, Problem
from cog_core.schema.source import MAX_MARKS, ProblemFound, SourceFile, parse_file
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"

TryStar = getattr(ast, "TryStar", ast.Try)  # from Python 3.11 on

MAX_MODULES: Final = 500
"""Most files that are read for one model."""

NEVER_SEARCHED: Final = frozenset(
    {"builtins", "typing", "typing_extensions", "collections", "abc", "enum", "dataclasses", "os", "sys", "io",
     "json", "re", "math", "pathlib", "functools", "itertools", "contextlib", "concurrent", "asyncio",
     "multiprocessing", "threading", "logging", "warnings", "unittest", "cog", "coglet", "pydantic"}
)  # fmt: skip
"""Top-level modules that the interpreter or our SDK provides, whatever files of such a name a project has."""


@attrs.frozen
class Imported(Frozen):
    """A name that an import statement binds.

    Attributes:
        parts: The dotted path of what it stands for.
        module: The module as the statement names it, for messages.
        folder: Where a relative import starts; None for an absolute one.
    """

    parts: tuple[str, ...]
    module: str
    folder: Path | None = None


Binding: TypeAlias = "ast.ClassDef | Function | ast.expr | Imported"


@attrs.frozen(eq=False, repr=False)
class Names:
    """What a body of statements binds, and the modules of which it imports everything."""

    bindings: Mapping[str, Binding]
    stars: tuple[Imported, ...] = ()


@attrs.frozen(eq=False, repr=False)
class Module:
    """A module of the project."""

    source: SourceFile
    names: Names


@attrs.define
class Budget:
    """How many more steps may be taken, so that hostile source ends soon; a real model needs a few thousand."""

    left: int

    def spend(self, steps: int = 1) -> bool:
        """Take some steps; False when there are not so many left."""
        self.left -= steps
        return self.left >= 0


@attrs.define(eq=False)
class Project:
    """A folder of Python source.

    Attributes:
        root: The folder, links resolved; no file outside it is read.
        entry: The folder of the model's own file, where imports are looked for after the root.
        names: How many more names may be looked up.
        values: How many more constants may be worked out, by their weight.
        marks: How many more separators may be parsed, in all files together.
    """

    root: Path
    entry: Path
    names: Budget = attrs.field(factory=lambda: Budget(200_000), init=False)
    values: Budget = attrs.field(factory=lambda: Budget(250_000), init=False)
    marks: Budget = attrs.field(factory=lambda: Budget(2 * MAX_MARKS), init=False)
    _modules: dict[Path, Module | Problem] = attrs.field(factory=dict, init=False)
    _paths: dict[tuple[Path, tuple[str, ...]], Path | None] = attrs.field(factory=dict, init=False)
    _stars: dict[Module, tuple[Module, ...]] = attrs.field(factory=dict, init=False)
    _classes: dict[ast.ClassDef, Names] = attrs.field(factory=dict, init=False)

    @classmethod
    def at(cls, root: Path, file: str) -> Project:
        """Return the project at a folder whose model is in the given file."""
        root = root.resolve()
        try:
            return cls(root, (root / file).parent.resolve())
        except (OSError, RuntimeError):  # links in a circle; opening the file says so
            return cls(root, root)

    def open(self, path: Path) -> Module:
        """Return the module in a file, which is read once.

        Raises:
            ProblemFound: It lies outside the project, or cannot be read or parsed.
        """
        if path not in self._modules:
            self._modules[path] = self._load(path)
        known = self._modules[path]
        if isinstance(known, Problem):
            raise ProblemFound(known)
        return known

    def find(self, parts: tuple[str, ...], folder: Path | None = None) -> Module | None:
        """Return the module of a dotted path, None when the project has no such file.

        Raises:
            ProblemFound: There is one, but it cannot be read or parsed.
        """
        if not parts or (folder is None and parts[0] in NEVER_SEARCHED):
            return None
        for base in (folder,) if folder else (self.root, self.entry):
            if (base, parts) not in self._paths:
                candidates = (base.joinpath(*parts[:-1], f"{parts[-1]}.py"), base.joinpath(*parts, "__init__.py"))
                self._paths[base, parts] = next(filter(None, map(self.inside, candidates)), None)
            path = self._paths[base, parts]
            if path is not None:
                return self.open(path)
        return None

    def inside(self, path: Path) -> Path | None:
        """Return where a file really lies; None when there is none, or when it lies outside the project."""
        try:
            resolved = path.resolve()
            return resolved if resolved.is_relative_to(self.root) and resolved.is_file() else None
        except (OSError, ValueError, RuntimeError):  # names too long, null bytes, links in a circle
            return None

    def behind_stars(self, module: Module) -> tuple[Module, ...]:
        """Return the modules from which a module imports everything, directly or not, each once."""
        if module not in self._stars:
            found: dict[Module, None] = {}
            waiting = [module]
            while waiting:
                for star in waiting.pop(0).names.stars:
                    other = self._quietly(star)
                    if other is not None and other is not module and other not in found:
                        found[other] = None
                        waiting.append(other)
            self._stars[module] = tuple(found)
        return self._stars[module]

    def _quietly(self, imported: Imported) -> Module | None:
        try:
            return self.find(imported.parts, imported.folder)
        except ProblemFound:
            return None  # a name that is missing because of this is reported where it is used

    def body_of(self, node: ast.ClassDef) -> Names:
        """Return what the body of a class binds."""
        if node not in self._classes:
            self._classes[node] = Names(_last(_bindings(node.body, None)))
        return self._classes[node]

    def _load(self, path: Path) -> Module | Problem:
        name = path.relative_to(self.root).as_posix()
        if len(self._modules) >= MAX_MODULES:
            fact, hint = (
                f"more than {MAX_MODULES} files are imported",
                "Define the types of the signature nearer to it.",
            )
            return Problem(message=fact, origin=Origin(file=name), hint=hint)
        try:
            source = parse_file(path, name, self.marks.spend)
        except ProblemFound as found:
            return found.problem
        return Module(source, _names(source.tree.body, path.parent))


def every_statement(body: Iterable[ast.stmt]) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield the statements of a body with those inside ``if``, ``try`` and ``with``, and whether each always runs."""
    stack: list[tuple[Iterator[ast.stmt], bool]] = [(iter(body), True)]
    while stack:
        statements, always = stack[-1]
        statement = next(statements, None)
        if statement is None:
            stack.pop()
            continue
        yield statement, always
        inner = _inner(statement)
        if inner:
            stack.append((iter(inner), always and isinstance(statement, ast.With)))


def _inner(statement: ast.stmt) -> list[ast.stmt]:
    match statement:
        case ast.If():
            return [*statement.body, *statement.orelse]
        case ast.With():
            return statement.body
        case ast.Try() | TryStar():
            handlers = [inner for handler in statement.handlers for inner in handler.body]
            return [*statement.body, *statement.orelse, *statement.finalbody, *handlers]
    return []


def _names(body: list[ast.stmt], folder: Path) -> Names:
    stars = tuple(
        _from(statement, folder)
        for statement, _ in every_statement(body)
        if isinstance(statement, ast.ImportFrom) and any(alias.name == "*" for alias in statement.names)
    )
    return Names(_last(_bindings(body, folder)), stars)


def _last(found: Iterable[tuple[str, Binding | ast.AugAssign, bool]]) -> dict[str, Binding]:
    """Choose one binding for each name: the last that always runs, else the first of the others.

    So ``try: from x import y`` wins over what its ``except ImportError`` puts in place.
    """
    chosen: dict[str, Binding] = {}
    for name, binding, always in found:
        if isinstance(binding, ast.AugAssign):
            before = chosen.get(name)
            if always and isinstance(before, ast.expr):
                total = ast.BinOp(left=before, op=binding.op, right=binding.value)
                chosen[name] = ast.copy_location(total, binding)
        elif always or name not in chosen:
            chosen[name] = binding
    return chosen


def _bindings(body: list[ast.stmt], folder: Path | None) -> Iterator[tuple[str, Binding | ast.AugAssign, bool]]:
    for statement, always in every_statement(body):
        match statement:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield statement.name, statement, always
            case ast.Assign():
                for target in statement.targets:
                    for name, value in _assigned(target, statement.value):
                        yield name, value, always
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value, always
            case ast.AugAssign(target=ast.Name(id=name)):
                yield name, statement, always
            case ast.Import() | ast.ImportFrom():
                for name, imported in _imports(statement, folder):
                    yield name, imported, always
            case _ if type(statement).__name__ == "TypeAlias":  # from Python 3.12 on
                yield statement.name.id, statement.value, always  # type: ignore[attr-defined]


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names of an assignment with their values; ``A, B = 1, 2`` has two."""
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ((ast.Tuple(elts=targets) | ast.List(elts=targets)), (ast.Tuple(elts=values) | ast.List(elts=values))):
            if len(targets) == len(values):
                for one, its in zip(targets, values, strict=True):
                    if isinstance(one, ast.Name):
                        yield one.id, its


def _imports(statement: ast.Import | ast.ImportFrom, folder: Path | None) -> Iterator[tuple[str, Imported]]:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            parts = tuple(alias.name.split("."))
            yield alias.asname or parts[0], Imported(parts if alias.asname else parts[:1], alias.name)
        return
    origin = _from(statement, folder)
    for alias in statement.names:
        if alias.name != "*":
            yield alias.asname or alias.name, attrs.evolve(origin, parts=(*origin.parts, alias.name))


def _from(statement: ast.ImportFrom, folder: Path | None) -> Imported:
    parts = tuple(statement.module.split(".")) if statement.module else ()
    base = folder
    for _ in range(min(statement.level, 100) - 1):
        base = base.parent if base else None
    return Imported(parts, "." * statement.level + ".".join(parts), base if statement.level else None)
