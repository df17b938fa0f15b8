"""Compiles programs that no package brings, from the Go module proxy, once per machine."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tests.engines.machine import Broken

if TYPE_CHECKING:
    from tests.engines.machine import Machine

_FETCHING = 300.0
_COMPILING = 1800.0
_STAGED = re.compile(r"(\S+) => \./staging/src/\S+")


@attrs.frozen(kw_only=True)
class GoProgram:
    """Programs of one Go module.

    Attributes:
        module: The module's path.
        version: Its version, with the ``v``.
        commands: Names of the folders below ``cmd`` to compile; also the names of the programs.
        tags: Build tags.
        cgo: Parts of it are in C.
        staging: Version of the modules that its repository keeps in ``staging`` and the proxy has on their own.
    """

    module: str
    version: str
    commands: tuple[str, ...]
    tags: tuple[str, ...] = ()
    cgo: bool = False
    staging: str = ""

    def folder(self, machine: Machine) -> Path:
        """Return where the compiled programs are kept."""
        name = re.sub(r"/v\d+$", "", self.module).rpartition("/")[2]
        return machine.cache / "bin" / f"{name}-{self.version}"

    def missing(self, machine: Machine) -> list[str]:
        """Return the programs that are not compiled yet."""
        return [name for name in self.commands if not (self.folder(machine) / name).exists()]

    def compile(self, machine: Machine) -> None:
        """Fetch the module and compile its programs.

        ``go install`` refuses modules with ``replace`` lines, so a copy of the module is compiled as if it were ours.

        Raises:
            Broken: There is no Go, the module proxy is out of reach, or the compiler failed.
        """
        go = shutil.which("go", path=machine.environ.get("PATH"))
        if go is None:
            raise Broken(f"{self.module} has no Debian package and is compiled, but there is no Go tool chain")
        machine.tell(f"compiling {', '.join(self.commands)} {self.version}: some minutes, once")
        said = machine.run((go, "mod", "download", "-json", f"{self.module}@{self.version}"), timeout=_FETCHING)
        with tempfile.TemporaryDirectory(prefix="cog-tests-") as scratch:
            source, made = Path(scratch, "source"), Path(scratch, "bin")
            shutil.copytree(json.loads(said)["Dir"], source, copy_function=shutil.copyfile)
            _make_writable(source)
            environ = {"CGO_ENABLED": str(int(self.cgo)), **self._published(source)}
            packages = (f"./cmd/{name}" for name in self.commands)
            argv = (go, "build", "-trimpath", "-tags", ",".join(self.tags), "-o", f"{made}/", *packages)
            made.mkdir()
            machine.run(argv, timeout=_COMPILING, cwd=source, environ=environ)
            self.folder(machine).parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self.folder(machine), ignore_errors=True)
            shutil.move(made, self.folder(machine))

    def _published(self, source: Path) -> dict[str, str]:
        """Let a source without its ``staging`` folder take those modules from the proxy."""
        if not self.staging:
            return {}
        module = source / "go.mod"
        module.write_text(_STAGED.sub(rf"\1 => \1 {self.staging}", module.read_text("utf-8")), "utf-8")
        return {"GOFLAGS": "-mod=mod", "GOWORK": "off"}


def _make_writable(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
