"""The developer's interface: `nox -s SESSION`, or `python3 tools/check.py` for everything that a change must pass."""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "architecture", "tests"]
nox.needs_version = ">=2025.2"

CODE = ("src", "tests", "examples", "benchmarks", "tools", "noxfile.py")


def _install(session: nox.Session) -> None:
    """Install the pinned tools and the package; a no-op inside an environment that has them (`--no-venv`)."""
    if session.virtualenv.venv_backend == "none":
        return
    session.install("--require-hashes", "--no-deps", "-r", "requirements/dev.txt")
    session.install("--no-deps", "--no-build-isolation", "--editable", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Style: ruff's checks and its format."""
    _install(session)
    session.run("ruff", "check", *CODE)
    session.run("ruff", "format", "--check", *CODE)


@nox.session
def types(session: nox.Session) -> None:
    """Types: mypy in strict mode over all packages."""
    _install(session)
    session.run("mypy")


@nox.session
def architecture(session: nox.Session) -> None:
    """Arrows between packages, cycles, and dangers behind their doors."""
    _install(session)
    session.run("pytest", "-q", "tests/architecture", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, one engine per kind of check."""
    _install(session)
    session.run("pytest", "-q", "-m", "not slow", "--ignore=tests/architecture", *session.posargs)


@nox.session
def matrix(session: nox.Session) -> None:
    """Everything: every Python in images, every engine, which the tests bring up themselves; takes long."""
    _install(session)
    engines = os.environ.get("COG_TEST_ENGINES", "install")
    session.run("pytest", "-q", *session.posargs, env={"COG_TEST_ENGINES": engines})


@nox.session
def faults(session: nox.Session) -> None:
    """Everything that can go wrong while a model is served, the long ones included."""
    _install(session)
    session.run("pytest", "-q", "tests/runtime/faults", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Attack live models over all routes; Schemathesis gets an environment of its own."""
    _install(session)
    session.run("python", "tests/runtime/fuzz/run.py", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Ten minutes at 80 % load: does anything grow?"""
    _install(session)
    session.run("python", "tests/runtime/soak/run.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure against others, side by side, and print ratios."""
    _install(session)
    for script in sorted(Path("benchmarks").glob("bench_*.py")):
        session.run("python", str(script), *session.posargs)
    for folder in ("benchmarks/runtime", "benchmarks/backends"):
        session.run("python", folder, *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Pin what developing needs and what running needs, with hashes and without an index's address."""
    _install(session)
    options = ("--universal", "--python-version=3.10", "--generate-hashes", "--no-header", "--no-emit-index-url")
    for name, package in (("dev", ("pyproject.toml",)), ("run", ("pyproject.toml",)), ("fuzz", ()), ("s3", ())):
        inputs = (f"requirements/{name}.in", *package)
        session.run("uv", "pip", "compile", *options, *session.posargs, "-o", f"requirements/{name}.txt", *inputs)
