"""A build with every question answered, before anything is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_core.config.urls import without_credentials
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.config import Config
    from cog_core.errors import Origin, Problem
    from cog_core.events import Noted
    from cog_core.ir import SecretMount, SshMount
    from cog_core.ir.plan import Decision
    from cog_core.values import Platform, PythonVersion


def _shown(text: str) -> str:
    return repr(without_credentials(text))


@attrs.frozen(kw_only=True)
class RequirementLine(Frozen):
    """One requirement.

    Attributes:
        text: The requirement as pip reads it, without index options; its URL may hold credentials.
        origin: The line of ``cog.yaml`` or of the requirements file.
        name: Name of the package as indices normalise it (PEP 503); None when only its content tells.
        hashes: ``sha256:...`` and the like, when the author lists the files that are right.
        source: It has to be built: version control, a source archive, or options for the build.
        artifact: Path of the file in the project, of a requirement that is one.
    """

    text: str = attrs.field(repr=_shown)
    origin: Origin = attrs.field(eq=False)
    name: str | None = None
    hashes: tuple[str, ...] = ()
    source: bool = False
    artifact: str | None = None


@attrs.frozen(kw_only=True)
class IndexOption(Frozen):
    """One option about where packages come from and which are allowed.

    Attributes:
        flag: In pip's long form, such as ``--extra-index-url``.
        value: Empty for a flag without one; a URL may hold credentials.
    """

    flag: str
    value: str = attrs.field(default="", repr=_shown)
    origin: Origin | None = attrs.field(default=None, eq=False)

    @property
    def line(self) -> str:
        """The option as a line of a requirements file, without credentials."""
        return without_credentials(f"{self.flag} {self.value}".strip())


@attrs.frozen(kw_only=True)
class SystemPackage(Frozen):
    """A package of the base's distribution."""

    name: str
    origin: Origin = attrs.field(eq=False)


@attrs.frozen(kw_only=True)
class RunCommand(Frozen):
    """A command of the author's, for a shell in the image.

    Attributes:
        script: One or several lines; of several, the first that fails ends it.
        mounts: Secrets that it may read, and SSH agents that it may ask.
    """

    script: str
    mounts: tuple[SecretMount | SshMount, ...] = ()
    origin: Origin = attrs.field(eq=False)


@attrs.frozen(kw_only=True)
class ResolvedBuild(Frozen):
    """What goes into an image and why, without yet asking an index.

    Attributes:
        python: The image's Python.
        gpu: The model needs a GPU.
        requirements: In the author's order.
        index: Index options in the author's order.
        system_packages: In the author's order, each once.
        run: Commands in their order.
        environment: Sorted by name.
        max_concurrency: Predictions at a time; None when nobody says.
        predict: Reference ``file.py:Name`` of the class or function that predicts.
        train: Reference of the training function.
        image: Name of the image.
        config: The effective configuration, as the image's label holds it.
        decisions: What was decided, and why.
        warnings: What works but should be changed.
        notes: What was decided in a way that the author may not expect.
    """

    python: PythonVersion
    platform: Platform
    gpu: bool
    requirements: tuple[RequirementLine, ...]
    index: tuple[IndexOption, ...]
    system_packages: tuple[SystemPackage, ...]
    run: tuple[RunCommand, ...]
    environment: tuple[tuple[str, str], ...]
    max_concurrency: int | None
    predict: str | None
    train: str | None
    image: str
    config: Config
    decisions: tuple[Decision, ...] = ()
    warnings: tuple[Problem, ...] = ()
    notes: tuple[Noted, ...] = ()
