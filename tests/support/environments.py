"""Fresh Python environments with cog-core and strangers' distributions in them, made without a network."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import uv

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]


@attrs.frozen
class Environment:
    """A virtual environment; what cog-core needs is seen from the one that runs the tests.

    Attributes:
        root: Its folder.
    """

    root: Path

    @classmethod
    def make(cls, root: Path) -> Environment:
        """Make an empty one."""
        _uv("venv", "--quiet", "--python", sys.executable, str(root))
        made = cls(root)
        # A line of a .pth file is a folder for sys.path; .pth files in there are not read, so nothing is editable.
        (made._site / "the-tests-own.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
        return made

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.root / "bin" / "python"

    @property
    def _site(self) -> Path:
        (found,) = (self.root / "lib").glob("python3*/site-packages")
        return found

    def install(self, *wheels: Path) -> None:
        """Install wheels, and nothing that they ask for."""
        _uv("pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(self.python), *map(str, wheels))

    def run(
        self, *argv: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its programs to the end; it is first on ``PATH``."""
        path = f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [str(self.root / "bin" / str(argv[0])), *map(str, argv[1:])],
            cwd=cwd,
            env={**os.environ, "PATH": path, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def well(self, *argv: str | Path, **how: object) -> subprocess.CompletedProcess[str]:
        """Run a program that has to end well."""
        done = self.run(*argv, **how)
        assert done.returncode == 0, f"{argv} ended with {done.returncode}:\n{done.stderr}{done.stdout}"
        return done


def wheel(project: Path, folder: Path) -> Path:
    """Build a project's wheel with the build backend that is here, and return it."""
    out = folder / project.name
    options = ("--quiet", "--offline", "--wheel", "--no-build-isolation", "--python", sys.executable)
    _uv("build", *options, "--out-dir", str(out), str(project))
    (found,) = out.glob("*.whl")
    return found


def _uv(*words: str) -> None:
    done = subprocess.run([uv.find_uv_bin(), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"uv {words} ended with {done.returncode}:\n{done.stderr}"
