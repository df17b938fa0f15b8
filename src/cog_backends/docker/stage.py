"""Bringing a plan's contexts to a builder that knows no named contexts: inside small carrier images."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

from cog_core.context import BuildContext, tar_stream
from cog_core.ir.dockerfile import FILES
from cog_core.ir.steps import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_backends.docker.client import Engine
    from cog_core.backend import BuildRequest
    from cog_core.ir.dockerfile import Dockerfile

CARRIER: Final = "cog-carrier"
"""Repository of carrier images; those of the runtime and of generated files stay for the next build."""
_KEPT: Final = frozenset({RUNTIME, FILES})
_MOST: Final = 20
"""Carriers of generated files that are kept; an engine's older ones go when a new one is made."""


def stage_carriers(
    engine: Engine, dockerfile: Dockerfile, request: BuildRequest, carriers: Mapping[str, str]
) -> None:
    """Make an image of every context but the project: one layer with the context's files.

    This is for BuildKit 0.8, which knows no named contexts.

    Args:
        engine: Where they are made.
        dockerfile: What will be built with them.
        request: Has the contexts.
        carriers: From :func:`carrier_names`.
    """
    for name, reference in carriers.items():
        if not engine.has(reference):
            _make_carrier(engine, name, reference, dockerfile, request)


def carrier_names(dockerfile: Dockerfile, request: BuildRequest) -> dict[str, str]:
    """Return names for carriers: those that stay are called after what is inside, the others are this build's alone.

    Otherwise a build that ends would take away what another one of the same project is still using.
    """
    keys = {RUNTIME: lambda: _key(request), FILES: lambda: _key_of_files(dockerfile, request)}
    return {
        name: f"{CARRIER}:{keys[name]() if name in keys else f'{name}-{os.urandom(8).hex()}'}"
        for name in dockerfile.contexts
    }


def remove_carriers(engine: Engine, carriers: Mapping[str, str]) -> None:
    """Remove the carriers that no other build can use."""
    for name, reference in carriers.items():
        if name not in _KEPT:
            engine.remove(reference)


def _make_carrier(engine: Engine, name: str, reference: str, dockerfile: Dockerfile, request: BuildRequest) -> None:
    """Import the files as an image's one layer, which takes a third of the time of a build ``FROM scratch``."""
    files: dict[str, tuple[bytes, int]] = {}
    contexts: dict[str, BuildContext] = {}
    if name == FILES:
        files = {f.path.lstrip("/"): (f.content.encode(), f.mode) for f in dockerfile.files}
    else:
        contexts[""] = request.contexts[name]
    engine.import_layer(tar_stream(contexts, files, mtime=request.plan.created), reference)
    if name == FILES:
        there = [each for each in engine.names(CARRIER) if each.startswith(f"{CARRIER}:{FILES}-")]
        for old in there[_MOST:]:
            engine.remove(old)


def _key(request: BuildRequest) -> str:
    """Hash what the runtime's carrier holds: its files never change under one path."""
    context = request.contexts[RUNTIME]
    digest = hashlib.sha256(os.fsencode(context.root.parent.name))
    for entry in context.entries:
        digest.update(os.fsencode(f"\0{entry.path}\0{entry.mode}\0{entry.size}\0{entry.target}"))
    return digest.hexdigest()[:24]


def _key_of_files(dockerfile: Dockerfile, request: BuildRequest) -> str:
    """Hash generated files, some kilobytes that change with the model's schema."""
    digest = hashlib.sha256(str(request.plan.created).encode())
    for file in dockerfile.files:
        digest.update(f"\0{file.path}\0{file.mode}\0{file.content}".encode())
    return f"{FILES}-{digest.hexdigest()[:24]}"
