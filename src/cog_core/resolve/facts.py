"""What resolving needs to know beyond the configuration, read from disk by somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_core.values import Platform
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_core.config.files import FileKind


@attrs.frozen
class RequirementsFile(Frozen):
    """A requirements file: its path in the project, and its text."""

    name: str
    text: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Facts(Frozen):
    """What is known about a project.

    Attributes:
        directory: Name of the project's folder, from which an image gets its name.
        platform: What the image is for.
        requirements: The file that ``build.python_requirements`` names.
        files: What stands at each path that a requirement names as a local file.
        concurrency: ``max`` of the model's ``@cog.concurrent``; None when it has none or nobody looked.
        is_async: Whether the model's method is asynchronous; None when nobody looked.
        batch: ``max_size`` and ``window`` of the model's ``@cog.batch``; None when it has none or nobody looked.
    """

    directory: str
    platform: Platform = attrs.field(factory=Platform)
    requirements: RequirementsFile | None = None
    files: Mapping[str, FileKind] = attrs.field(factory=dict)
    concurrency: int | None = None
    is_async: bool | None = None
    batch: tuple[int, float] | None = None
