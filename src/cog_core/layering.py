"""For backends that make layers of their own: what a step is called, and the files that it brings."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from cog_core import step_files
from cog_core.clock import rfc3339
from cog_core.context import materialise
from cog_core.errors import UnsupportedPlan
from cog_core.ir import Copy, Env, ImageBase, PythonPackages, Runtime, SystemPackages, User, Weights, Workdir, Write
from cog_core.ir.lower import RUNTIME_FOLDER
from cog_core.ir.steps import RUNTIME, WEIGHTS
from cog_core.wording import counted
from cog_oci import canonical, image_config
from cog_oci.frozen import Frozen
from cog_oci.images import write_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cog_core.backend import BuildRequest
    from cog_core.ir import BuildPlan, Step
    from cog_core.process import Runner
    from cog_core.settings import Settings
    from cog_core.values import PythonLayout
    from cog_oci.entries import Entry
    from cog_oci.ground import Ground
    from cog_oci.layout import Image, Layout
    from cog_oci.manifest import Descriptor
    from cog_oci.tree import Tree


@attrs.frozen(kw_only=True)
class StepFiles(Frozen):
    """The files of one build's steps; call :meth:`of` with each step.

    Attributes:
        request: The build; its base is an image.
        layout: Where the base image is.
        base: The base image.
        scratch: A folder of the build's own, for what has to be unpacked.
        settings: Reach the package indices.
        run: Starts programs.
    """

    request: BuildRequest
    layout: Layout
    base: Image
    scratch: Path
    settings: Settings
    run: Runner

    @cached_property
    def python(self) -> PythonLayout:
        """Where the base keeps Python.

        Raises:
            UnsupportedPlan: It has none, or another version than the plan says.
        """
        from cog_core.base_images import find_python  # noqa: PLC0415 - many plans need no Python

        base = self.request.plan.stage.base
        assert isinstance(base, ImageBase)
        return find_python(self._tree, base.reference, base.python)

    @cached_property
    def _tree(self) -> Tree:
        """The base's files."""
        from cog_oci.tree import read_tree  # noqa: PLC0415 - many plans need none of them

        return read_tree(self.layout, self.base)

    @cached_property
    def _ground(self) -> Ground:
        from cog_oci.ground import of_tree  # noqa: PLC0415 - as above

        return of_tree(self._tree)

    def of(self, step: Step) -> tuple[Entry, ...]:
        """Return what a step brings; nothing for one that only changes the configuration.

        Packages and the runtime bring no bytecode: compiling it is left to the image's own Python. Folders of the
        base that files lie in come with their own mode and owner, so that they stay as they are.

        Raises:
            BackendError: A file is not there.
            BuildFailed: A package cannot be had.
            UnsupportedPlan: The step needs more than files.
        """
        if not (entries := self._of(step)):
            return ()
        target = step.path if isinstance(step, Workdir) else getattr(step, "target", "")
        return self._ground.under(entries, mtime=self.request.plan.created, target=target.strip("/"))

    def _of(self, step: Step) -> tuple[Entry, ...]:  # noqa: PLR0911 - one for each kind of step
        mtime = self.request.plan.created
        match step:
            case Copy():
                return step_files.of_copy(step, self.request.contexts[step.context], mtime=mtime)
            case Write():
                return (step_files.of_write(step, mtime=mtime),)
            case Workdir():
                return step_files.of_workdir(step, self.request.plan, lambda: self._tree, mtime=mtime)
            case Weights():
                return tuple(step_files.of_context(self.request.contexts[WEIGHTS], step.target, mtime=mtime))
            case Runtime():
                return self._runtime()
            case PythonPackages():
                return self._packages(step)
            case Env() | User():
                return ()
            case _:
                raise UnsupportedPlan(f"{describe(step)} is more than files", origin=step.origin)

    def _runtime(self) -> tuple[Entry, ...]:
        folder, mtime = self._scratch() / "runtime", self.request.plan.created
        materialise(self.request.contexts[RUNTIME], folder)
        bundle = step_files.of_folder(folder, RUNTIME_FOLDER, mtime=mtime)
        return (*bundle, *step_files.runtime_links(self.python, mtime=mtime))

    def _packages(self, step: PythonPackages) -> tuple[Entry, ...]:
        from cog_core import wheels  # noqa: PLC0415 - many builds have no packages

        layout = self.python
        site = wheels.install(
            step,
            self._scratch(),
            layout=layout,
            platform=self.request.plan.platform,
            secrets=self.request.secrets,
            settings=self.settings,
            run=self.run,
        )
        return wheels.of_site(site, layout, mtime=self.request.plan.created)

    def _scratch(self) -> Path:
        import tempfile  # noqa: PLC0415 - slow to load, and many plans need none

        return Path(tempfile.mkdtemp(dir=self.scratch))


def run_config(plan: BuildPlan, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return how containers of an image are started: what the base says, what the steps add, what the plan says.

    Args:
        plan: The image.
        base: The same of its base (OCI image specification, config, "Properties"); of it stay environment, labels,
            user, entry point, volumes and signal, as with ``FROM`` in a Dockerfile.
    """
    variables = {name: value for name, _, value in (text.partition("=") for text in base.get("Env") or ())}
    config = {key: base[key] for key in ("User", "StopSignal", "Volumes", "Entrypoint") if base.get(key)}
    workdir = "/"
    for step in plan.steps:
        match step:
            case Env():
                variables |= dict(step.variables)
            case Workdir():
                workdir = step.path
            case User():
                config["User"] = step.name
            case _:
                pass
    if plan.config.entrypoint:
        config["Entrypoint"] = list(plan.config.entrypoint)
    return config | {
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "WorkingDir": workdir,
        "Cmd": list(plan.config.cmd),
        "ExposedPorts": {port: {} for port in plan.config.ports},
        "Labels": dict(base.get("Labels") or {}) | dict(plan.config.labels),
    }


def seal(plan: BuildPlan, layout: Layout, base: Image, made: Sequence[tuple[str, Descriptor | None]]) -> Image:
    """Write the image that consists of a base and the layers that steps made; it has no name yet.

    Args:
        plan: The image.
        layout: Where the base and the layers are, and the image goes.
        base: The base image.
        made: For each step what it is called, and its plain layer if it has one.
    """
    created = {"created": rfc3339(plan.created)}
    layers = [layer for _, layer in made if layer is not None]
    history = [{**created, "created_by": name, **({} if layer else {"empty_layer": True})} for name, layer in made]
    document = {
        **base.config,
        **created,
        "config": run_config(plan, image_config.run_config(base.config)),
        "rootfs": {"type": "layers", "diff_ids": [*map(str, base.diff_ids), *(str(each.digest) for each in layers)]},
        "history": [*(base.config.get("history") or ()), *history],
    }
    return write_image(layout, canonical.dump(document), [*base.manifest.as_oci().layers, *layers])


def describe(step: Step) -> str:  # noqa: PLR0911 - one for each kind of step
    """Return a step on one line, as the image's history has it."""
    match step:
        case Env(variables=variables):
            return f"ENV {' '.join(f'{name}={value}' for name, value in variables)}"
        case Workdir(path=path):
            return f"WORKDIR {path}"
        case Copy(source=source, target=target):
            return f"COPY {source} {target}"
        case Write(path=path):
            return f"WRITE {path}"
        case SystemPackages(names=names):
            return f"system packages: {' '.join(names)}"
        case PythonPackages(locked=locked):
            return counted(len(locked), "Python package")
        case Runtime(bundle=bundle):
            return f"runtime {bundle}"
        case Weights(paths=paths):
            return f"weights: {' '.join(paths)}"
        case _:
            return type(step).__name__
