"""From a plan to an image in the store: a layer for each step that has files, a configuration, a manifest."""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_backends.oci.interpreter import Interpreter
from cog_core import step_files as files
from cog_core.clock import monotonic, rfc3339
from cog_core.context import materialise
from cog_core.errors import UnsupportedPlan
from cog_core.events import Noted, StepFailed, StepFinished, StepStarted
from cog_core.ir import Copy, PythonPackages, Runtime, SystemPackages, Weights, Workdir, Write
from cog_core.ir.lower import RUNTIME_FOLDER
from cog_core.ir.steps import RUNTIME, WEIGHTS
from cog_core.layering import describe, run_config
from cog_oci import canonical, media
from cog_oci.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cog_backends.oci.base import Base, Bases
    from cog_backends.oci.store import Store, StoredLayer
    from cog_core.backend import BuildRequest
    from cog_core.events import Emit
    from cog_core.ir import Step
    from cog_oci.entries import Entry
    from cog_oci.ground import Ground
    from cog_oci.layout import Image
    from cog_oci.tree import Tree

_COMPILED: Final = "unchecked-hash"


@attrs.define(kw_only=True)
class Assembly:
    """One build, step by step."""

    request: BuildRequest
    bases: Bases
    base: Base
    emit: Emit
    ground: Ground
    layers: list[StoredLayer] = attrs.field(factory=list)
    history: list[dict[str, Any]] = attrs.field(factory=list)

    def take(self, number: int, step: Step) -> None:
        """Do a step.

        Raises:
            CogError: It failed; nothing of it is in the image's store.
        """
        name, entries = describe(step), self._maker(number, step)
        if entries is None:
            self.history.append({"created_by": name, "empty_layer": True})
            return
        with told(self.emit, str(number), step, name) as finish:
            layer = entries()
            finish(layer)
        self.layers.append(layer)
        self.ground = self.ground.after(layer.folders)
        self.history.append({"created_by": name})

    def _maker(self, number: int, step: Step) -> Callable[[], StoredLayer] | None:  # noqa: PLR0911 - one for each kind of step
        match step:
            case SystemPackages():
                return lambda: self._system(step, str(number))
            case PythonPackages():
                return lambda: self._packages(step)
            case Runtime():
                return lambda: self._runtime(step)
            case Weights():
                return lambda: self._weights(step)
            case Copy():
                context = self.request.contexts[step.context]
                return lambda: self._pack(files.of_copy(step, context, mtime=self._time), target=step.target)
            case Write():
                return lambda: self._pack((files.of_write(step, mtime=self._time),))
            case Workdir() if step.path.strip("/"):
                return lambda: self._workdir(step)
            case _:
                return None

    def _workdir(self, step: Workdir) -> StoredLayer:
        plan, layers = self.request.plan, (*self.base.layers, *self.layers)
        if files.is_filled(step, plan):
            return self._pack((files.folder(step.path, mtime=self._time),), target=step.path)
        key = ("workdir", step.path, str(self._time), *(str(layer.diff_id) for layer in layers))
        return self._known(key) or self._pack(
            files.of_workdir(step, plan, lambda: self._tree(layers), mtime=self._time), key
        )

    def _tree(self, layers: Iterable[StoredLayer]) -> Tree:
        return read_layers(self.bases.store, layers)

    @property
    def _time(self) -> int:
        return self.request.plan.created

    def _pack(self, entries: Iterable[Entry], key: tuple[str, ...] | None = None, *, target: str = "") -> StoredLayer:
        """Store a layer that leaves the folders as they are that it only goes through."""
        whole = self.ground.under(entries, mtime=self._time, target=target.strip("/"))
        folders = self.ground.changed(whole)
        return self.bases.store.make_layer(whole, mtime=self._time, key=key, folders=folders)

    def _known(self, key: tuple[str, ...]) -> StoredLayer | None:
        return None if self.request.no_cache else self.bases.store.layer(key)

    def _system(self, step: SystemPackages, number: str) -> StoredLayer:
        from cog_backends.oci.debian.base import lay_out  # noqa: PLC0415 - few builds add system packages
        from cog_backends.oci.debian.system import lay_over, plan_packages  # noqa: PLC0415 - as above

        debian = self.base.debian
        if debian is None:
            raise UnsupportedPlan(
                f"system packages ({', '.join(step.names)}) cannot be added to a base image that was not made here",
                hint="Leave --base-image out, or use --backend docker.",
                origin=step.origin,
            )
        doors = self.bases.doors(self.emit, number)
        plan = plan_packages(debian, step.names, doors=doors, origin=step.origin)
        key = ("system", plan.key, "folders")
        return self._known(key) or self._pack(lay_over(lay_out(debian, doors), plan, doors).entries, key)

    def _packages(self, step: PythonPackages) -> StoredLayer:
        layout = self.base.layout
        ground = self.ground.around(posixpath.dirname(layout.scripts), layout.purelib)
        key = ("python", repr(layout), str(self.request.plan.platform), str(self._time), self._compiled, *step.locked)
        key += ground
        if known := self._known(key):
            return known
        from cog_core import wheels  # noqa: PLC0415 - slow to load, and mostly the layer is there

        store = self.bases.store
        with store.scratch() as scratch:
            site = wheels.install(
                step,
                scratch,
                layout=layout,
                platform=self.request.plan.platform,
                secrets=self.request.secrets,
                settings=self.bases.settings,
                run=self.bases.run,
            )
            entries = wheels.of_site(
                site, layout, mtime=self._time, compiled=lambda: self._compile(site, layout.purelib)
            )
            return self._pack(entries, key)

    def _runtime(self, step: Runtime) -> StoredLayer:
        layout = self.base.layout
        ground = self.ground.around(RUNTIME_FOLDER, layout.purelib)
        key = ("runtime", step.bundle, repr(layout), str(self._time), self._compiled, *ground)
        if known := self._known(key):
            return known
        with self.bases.store.scratch() as scratch:
            folder = scratch / "runtime"
            materialise(self.request.contexts[RUNTIME], folder)
            self._compile(folder, RUNTIME_FOLDER)
            bundle = files.of_folder(folder, RUNTIME_FOLDER, mtime=self._time)
            return self._pack((*bundle, *files.runtime_links(layout, mtime=self._time)), key)

    def _weights(self, step: Weights) -> StoredLayer:
        context = self.request.contexts[WEIGHTS]
        found = [(entry, context.path_of(entry).stat()) for entry in context.entries if entry.path in step.paths]
        facts = [
            f"{entry.path} {entry.mode} {info.st_size} {info.st_mtime_ns} {info.st_ino}" for entry, info in found
        ]
        key = ("weights", str(context.root), step.target, str(self._time), *facts, *self.ground.around(step.target))
        return self._known(key) or self._pack(files.of_context(context, step.target, mtime=self._time), key)

    @property
    def _python(self) -> Interpreter:
        return Interpreter(root=self._root(), layout=self.base.layout, platform=self.request.plan.platform)

    @property
    def _compiled(self) -> str:
        """How bytecode is made, for the keys of layers: what strangers have built is never run on this machine."""
        return _COMPILED if self.base.is_ours and self._python.runs_here else "none"

    def _compile(self, folder: Any, target: str) -> None:
        """Add bytecode where this machine can and may run the base's Python; without it images start more slowly."""
        if self._compiled == _COMPILED:
            self._python.compile(folder, target, self.bases.run)
        else:
            why = "this machine cannot run the base's Python" if self.base.is_ours else "the base was not made here"
            self.emit(Noted(message=f"no bytecode is compiled for {target}: {why}"))

    def _root(self) -> Any:
        return self.bases.store.unpacked(tuple((layer.descriptor, layer.diff_id) for layer in self.base.layers))

    def finish(self) -> Image:
        """Store configuration and manifest, and return the image."""
        plan, layout = self.request.plan, self.bases.store.layout
        layers = (*self.base.layers, *self.layers)
        created = rfc3339(plan.created)
        platform = plan.platform
        document = {
            "architecture": platform.architecture,
            "os": platform.os,
            **({"variant": platform.variant} if platform.variant else {}),
            "created": created,
            "config": run_config(plan, self.base.config),
            "rootfs": {"type": "layers", "diff_ids": [str(layer.diff_id) for layer in layers]},
            "history": [
                {"created": created, **entry}
                for entry in (*({"created_by": layer.created_by} for layer in self.base.layers), *self.history)
            ],
        }
        stored = layout.blobs.put_bytes(canonical.dump(document), media.OCI_CONFIG)
        manifest = Manifest(config=stored, layers=tuple(layer.descriptor for layer in layers))
        return layout.image(layout.put_manifest(manifest))


def assemble(request: BuildRequest, bases: Bases, emit: Emit) -> Image:
    """Build an image in the store; it has no name yet.

    Raises:
        CogError: A step failed.
    """
    plan = request.plan
    with told(emit, "base", None, describe_base(request)) as finish:
        extended = any(isinstance(step, SystemPackages) for step in plan.steps)
        base = bases.of_plan(plan.stage.base, plan.platform, emit, extended=extended)
        finish(base.layers[-1])
    ground = bases.store.ground(base.layers, lambda: read_layers(bases.store, base.layers))
    assembly = Assembly(request=request, bases=bases, base=base, emit=emit, ground=ground)
    for number, step in enumerate(plan.steps):
        assembly.take(number, step)
    return assembly.finish()


def read_layers(store: Store, layers: Iterable[StoredLayer]) -> Tree:
    """Return the files of layers that lie over each other, the lowest first."""
    from cog_oci.image_layers import open_layer  # noqa: PLC0415 - what they are on most grounds is remembered
    from cog_oci.tree import tree_of  # noqa: PLC0415 - as above

    return tree_of([partial(open_layer, store.layout, layer.descriptor, layer.diff_id) for layer in layers])


def describe_base(request: BuildRequest) -> str:
    """Return what stands below a plan, for people."""
    base = request.plan.stage.base
    reference = getattr(base, "reference", None)
    return f"base {reference}" if reference else f"base with Python {getattr(base, 'version', '')}"


@contextmanager
def told(emit: Emit, number: str, step: Step | None, name: str) -> Iterator[Callable[[StoredLayer], None]]:
    """Tell when a step starts and how it ends; the block calls what it is given with the finished layer."""
    emit(StepStarted(id=number, name=name, origin=step.origin if step else None))
    started = monotonic()

    def finish(layer: StoredLayer) -> None:
        size = layer.descriptor.size
        emit(StepFinished(id=number, seconds=monotonic() - started, cached=layer.cached, size=size))

    try:
        yield finish
    except BaseException as error:
        emit(StepFailed(id=number, message=str(error).partition("\n")[0] or type(error).__name__))
        raise
