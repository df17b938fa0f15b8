"""Where a build's image goes: what was asked for, checked before anything is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cog_core.backend import ToDockerArchive, ToLayout, ToRegistry, ToStore
from cog_core.errors import UsageError
from cog_core.events import Warned
from cog_core.ir.capabilities import Capability, Requirement
from cog_core.layouts import is_layout
from cog_oci.errors import InvalidReference
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cog_core.backend import Output
    from cog_core.draft import Draft
    from cog_core.events import Emit


_NEEDS: Final = {
    ToStore: Requirement(Capability.STORE, "keeping the image under a name"),
    ToLayout: Requirement(Capability.OCI_LAYOUT, "writing an OCI layout"),
    ToDockerArchive: Requirement(Capability.DOCKER_ARCHIVE, "writing an archive for docker load"),
    ToRegistry: Requirement(Capability.REGISTRY, "pushing to a registry"),
}


def needs_of(outputs: Iterable[Output]) -> tuple[Requirement, ...]:
    """Return what whoever builds needs for these outputs, each need once."""
    return tuple(dict.fromkeys(_NEEDS[type(output)] for output in outputs))


def destinations(outputs: tuple[Output, ...], tag: str | None, drafted: Draft, watch: Emit) -> tuple[Output, ...]:
    """Return where the image goes.

    Args:
        outputs: What the caller asked for.
        tag: Name in the store.
        drafted: What is built.
        watch: Hears that an output lies in the project.

    Raises:
        UsageError: Something is no output, a name is none, or a folder holds something else.
    """
    _check_kinds(outputs)
    wanted = outputs if tag is None and outputs else (ToStore(tag or drafted.resolved.image), *outputs)
    for output in wanted:
        match output:
            case ToStore(tag=name) | ToRegistry(reference=name):
                _check_name(name)
            case ToLayout(path=path) if _holds_something_else(path):
                raise UsageError(f"{path} is not empty and is no OCI layout", hint="Name another folder.")
            case ToLayout(path=path) | ToDockerArchive(path=path) if path.resolve().is_relative_to(
                drafted.project.root.resolve()
            ):
                fact = f"{path} lies in the project, so the next image would hold it"
                watch(Warned(message=fact, hint="Write it somewhere else, or name it in .dockerignore."))
            case _:
                pass
    return wanted


def _check_kinds(outputs: Iterable[object]) -> None:
    """Refuse what is no output, such as a text: a backend would leave it out without a word."""
    for each in outputs:
        if not isinstance(each, (ToStore, ToLayout, ToDockerArchive, ToRegistry)):
            names = "ToStore, ToLayout, ToDockerArchive and ToRegistry of cog_core.backend"
            raise UsageError(f"{each!r} is no output", hint=f"Outputs are {names}.")


def _check_name(name: str) -> None:
    try:
        Reference.parse(name)
    except InvalidReference as error:
        raise UsageError(error.message, hint=error.hint or "Write it as NAME or NAME:TAG, in lower case.") from error


def _holds_something_else(path: Path) -> bool:
    if not path.exists() or is_layout(path):
        return False
    return not path.is_dir() or any(path.iterdir())
