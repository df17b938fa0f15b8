"""Delivering a finished image: a name in the store, a folder, an archive, a registry."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cog_core.backend import ToDockerArchive, ToLayout, ToRegistry, ToStore
from cog_core.clock import monotonic
from cog_core.events import StepFailed, StepFinished, StepProgress, StepStarted
from cog_oci.docker_archive import write_archive
from cog_oci.images import copy_image
from cog_oci.layout import Layout
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from pathlib import Path

    from cog_backends.oci.store import Store
    from cog_core.backend import Output
    from cog_core.events import Emit
    from cog_core.process import Runner
    from cog_core.settings import Settings
    from cog_oci.layout import Image


def deliver(
    image: Image, outputs: tuple[Output, ...], store: Store, *, settings: Settings, run: Runner, emit: Emit
) -> tuple[tuple[str, ...], str | None]:
    """Bring an image to all its destinations; return its names, and the digest in a registry if it went to one.

    Raises:
        OciError: A destination cannot be reached or written.
    """
    names = [Reference.parse(output.tag) for output in outputs if isinstance(output, ToStore)]
    references: list[str] = []
    digest = None
    for output in outputs:
        match output:
            case ToStore(tag=tag):
                reference = Reference.parse(tag)
                store.layout.tag(reference, image.descriptor)
                references.append(reference.familiar)
            case ToLayout(path=path):
                export_layout(image, store.layout, path, names[0] if names else None)
            case ToDockerArchive(path=path):
                export_archive(image, store.layout, path, names)
            case ToRegistry(reference=target):
                digest = push_image(image, target, store, settings=settings, run=run, emit=emit)
                references.append(target)
    return tuple(references), digest


def export_layout(image: Image, source: Layout, path: Path, name: Reference | None) -> None:
    """Add an image to the layout in a folder, made when it is not there; files are shared where that is possible."""
    copy_image(source, image.descriptor, Layout.create(path), name=name)


def export_archive(image: Image, source: Layout, path: Path, names: list[Reference]) -> None:
    """Write an archive that engines load; it appears when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            write_archive(source, image, file, names=names)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def push_image(image: Image, target: str, store: Store, *, settings: Settings, run: Runner, emit: Emit) -> str:
    """Push an image, compressed, and return the digest of its manifest in the registry."""
    from cog_backends.oci.registries import registry_client  # noqa: PLC0415 - builds need no HTTP library
    from cog_oci.push import push  # noqa: PLC0415 - as above

    emit(StepStarted(id="push", name=f"push {target}"))
    started = monotonic()

    def progress(done: int, total: int) -> None:
        emit(StepProgress(id="push", what=target, done=done, total=total))

    try:
        with registry_client(settings, run) as client:
            sent = push(
                client,
                store.layout,
                image,
                Reference.parse(target),
                compressed=store.compressed,
                progress=progress,
            )
    except BaseException as error:
        emit(StepFailed(id="push", message=str(error).partition("\n")[0] or type(error).__name__))
        raise
    emit(StepFinished(id="push", seconds=monotonic() - started))
    return str(sent.digest)
