"""Running a model as an ordinary process of this machine, where no sandbox can be made.

Nothing is isolated: the host's Python of the image's version runs the model, with the packages of the image's lock
installed for this machine. System packages and what ``build.run`` did are not there.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import uv

from cog_backends.oci.sandbox.container import SandboxContainer
from cog_core import labels, process
from cog_core.certificates import bundle_file
from cog_core.errors import BackendUnavailable
from cog_core.process import Command
from cog_core.runtime_bundle import prepare
from cog_core.values import Platform, PythonVersion
from cog_oci import image_config
from cog_oci.frozen import Frozen
from cog_oci.locks import locked

if TYPE_CHECKING:
    from collections.abc import Callable

    from cog_backends.oci.store import Store
    from cog_core.backend import Container, RunRequest
    from cog_core.process import Runner
    from cog_core.settings import Settings
    from cog_oci.layout import Image

_SOURCE: Final = "/src"
_SCHEMA: Final = "opt/cog/model/openapi_schema.json"
_SERVER: Final = ("python", "-m", "cog.server.http")
_OF_THE_IMAGE: Final = frozenset({"PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "DEBIAN_FRONTEND"})
"""Variables of an image that mean its own file system."""
_PROBE: Final = "import sys; print('%d.%d' % sys.version_info[:2])"


@attrs.frozen(kw_only=True)
class HostProcesses(Frozen):
    """Starts images as processes of this machine.

    Attributes:
        store: Where the images are.
        run: Starts ``uv``, and Pythons to ask for their version.
    """

    store: Store
    settings: Settings
    run: Runner

    def start(
        self,
        image: Image,
        request: RunRequest,
        addresses: tuple[tuple[str, int], ...],
        on_line: Callable[[str, str], None],
    ) -> Container:
        """Start a container that is none.

        Raises:
            BackendUnavailable: This machine has no Python of the image's version.
            BackendError: The packages cannot be had.
        """
        version = _python_of(image)
        interpreter = self._interpreter(version)
        bundle = prepare(
            version, _this_machine(), cache=self.store.root, run=self.run, environ=self._installer_environ()
        ).path
        parent = self.store.root / "tmp"
        work = Path(tempfile.mkdtemp(prefix="process-", dir=parent))
        try:
            source = self._source(image, request, work)
            environment = self._environment(image, request, interpreter, work)
            command = Command(argv=_command(image, request, interpreter, bundle), cwd=source, env=environment)
            if request.interactive:
                running = process.start(command, stdin=None, stdout=None, stderr=None, own_group=False)
            else:
                running = process.start(command)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        container = SandboxContainer(process=running, work=work, addresses=addresses)
        if not request.interactive:
            container.follow(on_line)
        return container

    def _interpreter(self, version: PythonVersion) -> str:
        # Not the environment that we run in: the model must not see our packages.
        own = getattr(sys, "_base_executable", sys.executable)
        names = (own, *filter(None, (shutil.which(f"python{version.series}"), shutil.which("python3"))))
        for name in names:
            if self.run(Command(argv=(name, "-I", "-c", _PROBE))).stdout.strip() == version.series:
                return name
        raise BackendUnavailable(
            f"the image needs Python {version.series}, and this machine has none",
            hint=f"Install python{version.series}, allow user namespaces, or use an engine.",
        )

    def _environment(self, image: Image, request: RunRequest, interpreter: str, work: Path) -> dict[str, str]:
        own = image_config.environment(image.config)
        settings = {name: value for name, value in own.items() if name not in _OF_THE_IMAGE}
        schema = work / "openapi_schema.json"
        for folder in self.store.lower_folders(image):
            if (folder / _SCHEMA).is_file() and not schema.exists():
                shutil.copyfile(folder / _SCHEMA, schema)
        site = self._packages(image, interpreter)
        paths = (
            *((str(site / "bin"),) if (site / "bin").is_dir() else ()),
            self.settings.environ.get("PATH", os.defpath),
        )
        return {
            **{
                name: self.settings.environ[name]
                for name in ("HOME", "LANG", "TMPDIR")
                if name in self.settings.environ
            },
            **{name: value for name, value in self.settings.environ.items() if name.lower() in self.settings.proxies},
            **settings,
            "PATH": os.pathsep.join(paths),
            "PYTHONPATH": str(site),
            "PYTHONNOUSERSITE": "1",
            "PYTHONPYCACHEPREFIX": str(self.store.root / "bytecode"),
            "COG_SCHEMA": str(schema),
            **self._requested(request),
        }

    @staticmethod
    def _requested(request: RunRequest) -> dict[str, str]:
        """Return the request's variables; folders of the host are seen where they are."""
        found = dict(request.environment)
        found.pop("PYTHONDONTWRITEBYTECODE", None)  # bytecode goes to our own cache
        for bind in request.binds:
            for name, value in found.items():
                if value.startswith(f"{bind.target}/"):
                    found[name] = f"{bind.source}{value.removeprefix(bind.target)}"
        return found

    def _packages(self, image: Image, interpreter: str) -> Path:
        """Return a folder with the image's packages for this machine, installed from the lock in its labels."""
        lines = json.loads(image.labels.get(labels.LOCK) or "[]")
        home = self.store.root / "host-packages"
        home.mkdir(parents=True, exist_ok=True)
        name = self.store.name_of(("host-packages", interpreter, *lines))
        target = home / name
        with locked(home / f".{name}.lock"):
            if not target.is_dir():
                with self.store.scratch() as scratch:
                    (scratch / "site").mkdir()
                    if lines:
                        self._install(lines, scratch, interpreter)
                    (scratch / "site").rename(target)
        return target

    def _install(self, lines: list[str], scratch: Path, interpreter: str) -> None:
        lock = scratch / "requirements.txt"
        lock.write_text("\n".join((*lines, "")), "utf-8")
        argv = (
            *(uv.find_uv_bin(), "pip", "install", "--quiet", "--target", str(scratch / "site")),
            *("--python", interpreter, "--only-binary", ":all:", "--no-deps", "--require-hashes"),
            *("--requirements", str(lock)),
        )
        done = self.run(Command(argv=argv, cwd=scratch, env=self._installer_environ()))
        if done.code:
            raise BackendUnavailable(
                f"the image's packages cannot be installed for this machine:\n{done.stderr.strip()[-1000:]}",
                hint="Use an engine, or a machine that allows user namespaces.",
            )

    def _installer_environ(self) -> dict[str, str]:
        bundle = bundle_file(self.settings)
        return {**self.settings.environ, **({"SSL_CERT_FILE": str(bundle)} if bundle else {})}

    def _source(self, image: Image, request: RunRequest, work: Path) -> Path:
        """Return the model's folder: the project itself, or a copy of what the image holds."""
        for bind in request.binds:
            if bind.target == _SOURCE:
                return bind.source
        source = work / "src"
        source.mkdir()
        for folder in reversed(self.store.lower_folders(image)):
            if (folder / "src").is_dir():
                shutil.copytree(folder / "src", source, symlinks=True, dirs_exist_ok=True)
        return source


def _python_of(image: Image) -> PythonVersion:
    config: dict[str, Any] = json.loads(labels.read_config(image.labels) or "{}")
    return PythonVersion.parse(str((config.get("build") or {}).get("python_version") or "3.13"))


def _this_machine() -> Platform:
    machine = Platform.of_this_machine()
    return machine if sys.platform == "linux" else attrs.evolve(machine, os=sys.platform)


def _command(image: Image, request: RunRequest, interpreter: str, bundle: Path) -> tuple[str, ...]:
    wanted = request.command or tuple(image_config.run_config(image.config).get("Cmd") or ())
    if wanted[: len(_SERVER)] == _SERVER:
        return (interpreter, "-I", "-S", str(bundle / "server" / "__main__.py"), *wanted[len(_SERVER) :])
    return (interpreter, *wanted[1:]) if wanted[:1] in {("python",), ("python3",)} else wanted
