"""Where a build's image goes: ``--output`` as people write it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cog_core.backend import ToDockerArchive, ToLayout, ToRegistry
from cog_core.errors import UsageError

if TYPE_CHECKING:
    from cog_core.backend import Output

FORMS = "oci:DIR, docker-archive:FILE or registry:REF"


def parse_output(text: str) -> Output:
    """Read one ``--output``.

    Raises:
        UsageError: It has none of the three forms.
    """
    kind, _, place = text.partition(":")
    if place and kind == "oci":
        return ToLayout(Path(place).expanduser().absolute())
    if place and kind == "docker-archive":
        return ToDockerArchive(_file(Path(place).expanduser().absolute()))
    if place and kind == "registry":
        return ToRegistry(place)
    raise UsageError(f"invalid output {text!r}", hint=f"Write it as {FORMS}.")


def describe(output: Output) -> str:
    """Return an output as one would write it."""
    match output:
        case ToLayout(path=path):
            return f"oci:{path}"
        case ToDockerArchive(path=path):
            return f"docker-archive:{path}"
        case ToRegistry(reference=reference):
            return f"registry:{reference}"
        case _:
            return output.tag


def _file(path: Path) -> Path:
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder, and a docker-archive is a file", hint="Name a file, such as image.tar."
        )
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", hint="Make it first, or name another one.")
    return path
