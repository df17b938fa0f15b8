"""podman in another machine: what it does not see of this one has to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.podman.store import failed
from cog_core.context import BuildContext, materialise
from cog_core.ir import BindMount, Copy, Run
from cog_core.ir.steps import PROJECT
from cog_core.process import Command
from cog_core.staging import workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cog_backends.podman.store import Images
    from cog_core.backend import Bind, BuildRequest, RunRequest
    from cog_core.ir import Step
    from cog_core.ir.steps import Mount
    from cog_core.process import Completed

SOURCES: Final = "sources"
"""Context of the author's files."""


def with_named_project(request: BuildRequest, folder: Path) -> BuildRequest:
    """Return a request whose main context is empty, and whose steps take the author's files from another one.

    The client sends the Dockerfile as a part of the main context, where a copy of the whole project would bring it.

    Args:
        request: For a builder that knows named contexts.
        folder: Of the build; the empty folder is made there.
    """
    empty = folder / "empty"
    empty.mkdir()
    contexts = {**request.contexts, SOURCES: request.contexts[PROJECT], PROJECT: BuildContext(empty)}
    plan = request.plan.with_steps(*map(_renamed, request.plan.steps))
    return attrs.evolve(request, plan=plan, contexts=contexts)


def _renamed(step: Step) -> Step:
    match step:
        case Copy(context=context) if context == PROJECT:
            return attrs.evolve(step, context=SOURCES)
        case Run(mounts=mounts):
            return attrs.evolve(step, mounts=tuple(map(_of_sources, mounts)))
        case _:
            return step


def _of_sources(mount: Mount) -> Mount:
    if isinstance(mount, BindMount) and mount.context == PROJECT:
        return attrs.evolve(mount, context=SOURCES)
    return mount


def created(
    create: Callable[[tuple[Bind, ...]], Completed], request: RunRequest, *, remote: bool
) -> tuple[Bind, ...]:
    """Create a container, and return the folders that the other machine lacks and that are not bound.

    Args:
        create: Creates it with these folders bound, and returns what podman said.
        request: What is to run.
        remote: There is another machine.

    Raises:
        ImageNotFound: There is no such image.
        BackendError: podman refused.
    """
    seen, unseen = list(request.binds), []
    while (completed := create(tuple(seen))).code:
        lacking = [bind for bind in seen if remote and f"statfs {bind.source}: no such file" in completed.stderr]
        if not lacking:
            raise failed(completed.stderr, request.reference)
        seen.remove(lacking[0])
        unseen += lacking[:1]
    return tuple(unseen)


def copy_unseen(images: Images, container: str, binds: tuple[Bind, ...]) -> None:
    """Copy folders into a container that has not started; what ``.dockerignore`` leaves out stays here.

    Raises:
        BackendError: It cannot be done.
    """
    for bind in binds:
        with workspace(images.settings, "podman-copy") as folder:
            materialise(BuildContext.of_project(bind.source), folder / "files")
            words = ("cp", f"{folder / 'files'}/.", f"{container}:{bind.target}")
            completed = images.run(Command(argv=(images.tools.podman, *words), env=images.settings.environ))
        if completed.code:
            raise failed(completed.stderr, bind.target)
