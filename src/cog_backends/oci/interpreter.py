"""The base's own Python, run on this machine straight from its unpacked files: no namespace, no root, no container.

It compiles the bytecode that images carry; only the image's own interpreter surely writes what it will accept.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.errors import BackendError
from cog_core.process import Command
from cog_core.values import Platform
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.process import Runner
    from cog_core.values import PythonLayout

_LOADERS: Final = {"amd64": "lib64/ld-linux-x86-64.so.2", "arm64": "lib/ld-linux-aarch64.so.1"}
"""Where the dynamic loader is (System V ABI, processor supplements)."""
_MULTIARCH: Final = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
_MOST_LINKS = 40


@attrs.frozen(kw_only=True)
class Interpreter(Frozen):
    """A Python in a folder.

    Attributes:
        root: The unpacked base.
        layout: Where in it Python is.
        platform: What it runs on.
    """

    root: Path
    layout: PythonLayout
    platform: Platform

    @property
    def runs_here(self) -> bool:
        """Whether this machine can start it."""
        return (
            sys.platform == "linux"
            and self.layout.libc == "glibc"
            and self.platform == Platform.of_this_machine()
            and self.platform.architecture in _LOADERS
        )

    def compile(self, folder: Path, target: str, run: Runner) -> None:
        """Compile all modules of a folder that will be at ``target`` in the image.

        Files that do not compile, such as templates, are left alone. The bytecode depends on the sources only: it
        is hash-based and unchecked (PEP 552).

        Raises:
            BackendError: The interpreter does not start.
        """
        done = run(
            Command(
                argv=(
                    *self._start(),
                    *("-S", "-s", "-W", "ignore", "-m", "compileall", "-qq", "-j", "1"),
                    *("--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", target, str(folder)),
                ),
                cwd=self.root,  # `-m` looks there first, and the user's folder may hold a types.py
                env={"PYTHONHOME": str(self._home), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"},
            )
        )
        if done.code not in {0, 1} or done.stderr:
            raise BackendError(f"the base's Python does not run on this machine: {done.stderr.strip()[-500:]}")

    def _start(self) -> tuple[str, ...]:
        multiarch = _MULTIARCH[self.platform.architecture]
        folders = (f"usr/lib/{multiarch}", f"lib/{multiarch}", "usr/local/lib", "usr/lib")
        libraries = ":".join(str(self.root / name) for name in folders)
        loader = self._resolved(_LOADERS[self.platform.architecture])
        return (str(loader), "--library-path", libraries, str(self._resolved(self.layout.interpreter)))

    @property
    def _home(self) -> Path:
        """The prefix that the standard library is found under."""
        return self._resolved(self.layout.interpreter).parent.parent

    def _resolved(self, path: str) -> Path:
        """Follow links inside the folder, where absolute ones mean the folder itself."""
        done: list[str] = []
        todo = path.strip("/").split("/")[::-1]
        links = 0
        while todo:
            part = todo.pop()
            if part in {"", ".", ".."}:
                done = done[:-1] if part == ".." else done
                continue
            here = self.root.joinpath(*done, part)
            if here.is_symlink() and links < _MOST_LINKS:
                target = str(here.readlink())
                done = [] if target.startswith("/") else done
                todo += target.strip("/").split("/")[::-1]
                links += 1
            else:
                done.append(part)
        return self.root.joinpath(*done)
