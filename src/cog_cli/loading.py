"""Loading an image into the engine of this machine, for backends that keep their images elsewhere."""

from __future__ import annotations

import contextlib
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cog_cli.render.progress import tell
from cog_core import process
from cog_core.backend import ToDockerArchive
from cog_core.errors import BackendUnavailable, CogError
from cog_core.process import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.settings import Settings

PROGRAMS: Final = ("docker", "podman")
_PATIENCE: Final = 15.0


def engine_for(backend: str | None, settings: Settings) -> str | None:
    """Return the program to load an image with; None when the backend keeps its images in an engine anyway.

    Raises:
        BackendUnavailable: No engine answers.
    """
    if (backend or settings.backend) in PROGRAMS:
        return None
    for program in PROGRAMS:
        with contextlib.suppress(CogError):
            if process.run(Command(argv=(program, "info"), timeout=_PATIENCE)).code == 0:
                return program
    raise BackendUnavailable(
        "--load needs a Docker or podman that answers, and none does",
        hint="Start one, or take the image with --output docker-archive:FILE.",
    )


@contextlib.contextmanager
def loaded(program: str | None, name: str, settings: Settings, mode: str) -> Iterator[tuple[ToDockerArchive, ...]]:
    """Yield where the image has to be written, and load it from there when the context ends well."""
    if program is None:
        yield ()
        return
    parent = settings.cache / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="load-", dir=parent) as folder:
        archive = Path(folder) / "image.tar"
        yield (ToDockerArchive(archive),)
        printed = process.run(Command(argv=(program, "load", "--input", str(archive)))).check().stdout
        if match := re.search(r"sha256:[0-9a-f]{64}", printed):
            process.run(Command(argv=(program, "tag", match[0], name))).check()
        tell(mode, f"Loaded into {program} as {name}")
