"""The arrows between our packages point one way, there are no cycles, and dangers stay behind their doors."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src"
OURS = {path.name for path in SRC.iterdir() if (path / "__init__.py").exists()}

# What each package may import of ours, the most specific line wins; itself is always allowed.
ARROWS = {
    "cog": set(),
    "coglet": {"cog"},
    "cog_oci": set(),
    "cog_runtime": {"cog", "coglet"},
    "cog_runtime.server": {"cog_runtime"},
    "cog_core.errors": {"cog_oci.frozen"},
    "cog_core.clock": set(),
    "cog_core.values": {"cog_core.errors", "cog_oci.frozen"},
    "cog_core.settings": {"cog_core.errors", "cog_oci.frozen"},
    "cog_core.families": set(),
    "cog_core.process": {"cog_core.errors", "cog_oci.frozen", "cog_core.families"},
    "cog_core.events": {"cog_core.errors", "cog_oci.frozen"},
    "cog_core.schema": {"cog_core.errors", "cog_oci.frozen", "cog_core.values"},
    "cog_core.ir": {"cog_core.errors", "cog_oci.frozen", "cog_core.values"},
    "cog_core.context": {"cog_core.errors", "cog_oci.frozen", "cog_core.values"},
    "cog_core": {"cog_oci", "cog", "coglet", "cog_runtime"},
    "cog_core.testing": {"cog_core", "cog_oci"},
    "cog_backends.buildkit": {"cog_core", "cog_oci"},
    "cog_backends.docker": {"cog_core", "cog_oci"},
    "cog_backends.oci": {"cog_core", "cog_oci"},
    "cog_backends.podman": {"cog_core", "cog_oci"},
    "cog_cli": {"cog_core", "cog_oci"},
}
# A backend sees the contract and the plan, never how they came about.
HIDDEN_FROM_BACKENDS = {
    "cog_core.config",
    "cog_core.resolve",
    "cog_core.schema",
    "cog_core.planner",
    "cog_core.draft",
    "cog_core.images",
    "cog_core.predictions",
    "cog_core.lock",
}
# Which files may touch a danger.
DOORS = {
    "subprocess": {"cog_core/process.py"},
    "docker": {"cog_backends/docker/client.py"},
    "urllib3": {"cog_oci/transport.py", "cog_backends/oci/debian/fetch.py"},
    "starlette": {"cog_runtime/server/", "cog_core/testing/"},
    "uvicorn": {"cog_runtime/server/", "cog_core/testing/"},
}
# Programs of their own: what runs inside images or sandboxes has no core to ask.
STANDALONE = ("cog/", "coglet/", "cog_runtime/", "cog_backends/oci/sandbox/")


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(SRC.rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text("utf-8"), str(path))
    return found


MODULES = modules()


def imported(name: str, tree: ast.Module, *, at_import_time: bool = False) -> set[str]:
    """Return what a module imports; type-checking blocks count as arrows but not for cycles."""
    found = set()
    package = name if (SRC / Path(*name.split("."))).is_dir() else name.rpartition(".")[0]
    for node in _nodes(tree, at_import_time=at_import_time):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                found.add(full if full in MODULES else base)
    return found


def _nodes(tree: ast.AST, *, at_import_time: bool) -> list[ast.AST]:
    nodes = []
    for child in ast.iter_child_nodes(tree):
        if at_import_time and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if at_import_time and isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        nodes += [child, *_nodes(child, at_import_time=at_import_time)]
    return nodes


def _rule(name: str) -> tuple[str, set[str]] | None:
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        prefix = ".".join(parts[:end])
        if prefix in ARROWS:
            return prefix, ARROWS[prefix]
    return None


def _within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_arrows_point_down(name: str) -> None:
    rule = _rule(name)
    if rule is None:
        return
    prefix, allowed = rule
    wrong = {
        target
        for target in imported(name, MODULES[name])
        if target.partition(".")[0] in OURS and not _within(target, {prefix, *allowed})
    }
    if name.startswith("cog_backends."):
        wrong |= {target for target in imported(name, MODULES[name]) if _within(target, HIDDEN_FROM_BACKENDS)}
    assert not wrong, f"{name} must not import {', '.join(sorted(wrong))}"


def test_nothing_imports_a_backend() -> None:
    importers = {
        name
        for name, tree in MODULES.items()
        if not name.startswith("cog_backends") and _within_any(imported(name, tree), "cog_backends")
    }

    assert not importers


def _within_any(names: set[str], package: str) -> bool:
    return any(_within(name, {package}) for name in names)


def test_there_are_no_cycles() -> None:
    graph = {
        name: {target for target in imported(name, tree, at_import_time=True) if target in MODULES and target != name}
        for name, tree in MODULES.items()
    }

    assert not _knots(graph)


def _knots(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return strongly connected groups of more than one module (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    knots = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in graph[node]:
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            group = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                knots.append(group)

    sys.setrecursionlimit(10_000)
    for node in graph:
        if node not in index:
            visit(node)
    return knots


@pytest.mark.parametrize("danger", sorted(DOORS))
def test_a_danger_stays_behind_its_door(danger: str) -> None:
    users = {
        str(Path(*name.split("."))) + ".py"
        for name, tree in MODULES.items()
        if any(target.partition(".")[0] == danger for target in imported(name, tree))
    }
    strangers = {
        user
        for user in users
        if not user.startswith((*DOORS[danger], *STANDALONE)) and not _typing_only(user, danger)
    }

    assert not strangers


def _typing_only(file: str, danger: str) -> bool:
    name = file.removesuffix(".py").replace("/", ".")
    return danger not in {t.partition(".")[0] for t in imported(name, MODULES[name], at_import_time=True)}


@pytest.mark.parametrize(
    ("attribute", "door"), [("environ", "cog_core/settings.py"), ("getenv", "cog_core/settings.py")]
)
def test_the_environment_is_read_in_one_place(attribute: str, door: str) -> None:
    readers = {
        str(Path(*name.split("."))) + ".py"
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr == attribute
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    }

    assert not {reader for reader in readers if not reader.startswith(("cog_core/settings.py", *STANDALONE))}


def test_the_clock_is_read_in_one_place_a_package() -> None:
    readers = {
        str(Path(*name.split("."))) + ".py"
        for name, tree in MODULES.items()
        if {"time", "datetime"} & {target.partition(".")[0] for target in imported(name, tree, at_import_time=True)}
    }

    assert {
        reader for reader in readers if not reader.endswith("/clock.py") and not reader.startswith(STANDALONE)
    } == set()


@pytest.mark.parametrize("module", ["cog", "coglet", "cog_runtime", "cog.server.http"])
def test_what_models_meet_loads_only_the_standard_library(module: str) -> None:
    program = (
        "import importlib.util, sys; before = set(sys.modules);"
        f"import {module};"
        "new = {n.partition('.')[0] for n in set(sys.modules) - before};"
        "print(*sorted(n for n in new if n not in sys.stdlib_module_names and not n.startswith('_')))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) <= OURS


def test_help_loads_no_engine_and_no_configuration_library() -> None:
    program = "import sys, cog_cli.main; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert not {"docker", "pydantic", "yaml", "rich", "urllib3"} & set(done.stdout.split())
