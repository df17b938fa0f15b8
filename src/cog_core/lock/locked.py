"""What a lock is: every package of an image by version and hash, and what only the image can build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.errors import Problem
    from cog_core.events import Noted


@attrs.frozen(kw_only=True)
class LockedPackage(Frozen):
    """One package that an index, or a URL of the author's, has as a wheel.

    Attributes:
        name: As indices normalise it (PEP 503).
        version: None when a URL says which file it is.
        url: Without credentials; None when any index may provide the file.
        hashes: ``sha256:...`` of every file that is right, sorted.
    """

    name: str
    version: str | None = None
    url: str | None = None
    hashes: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """The package as ``pip freeze`` writes it."""
        return f"{self.name} @ {self.url}" if self.url else f"{self.name}=={self.version}"

    @property
    def line(self) -> str:
        """The package as a line of a requirements file with hashes."""
        return " ".join((self.requirement, *(f"--hash={digest}" for digest in self.hashes)))


@attrs.frozen(kw_only=True)
class Resolution(Frozen):
    """What the resolver found for one target; this is what caches and ``cog.lock`` keep.

    Attributes:
        packages: Sorted by name.
        built: Lines that only the image can build, with the name of the package.
        dropped: What was left out because every image has it, with who wanted it.
    """

    packages: tuple[LockedPackage, ...] = ()
    built: tuple[tuple[str, str], ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class LocalArtifact(Frozen):
    """A file of the project that has to be in the image before packages are installed.

    Attributes:
        path: Where it is in the project.
        target: Where ``unlocked`` expects it in the image.
    """

    path: str
    target: str


@attrs.frozen(kw_only=True)
class LockedPackages(Frozen):
    """The Python packages of an image.

    Attributes:
        locked: Lines ``name==version --hash=...``, complete with all dependencies of wheels, sorted.
        unlocked: Lines that only the image can build or hold, in the author's order.
        index: Index options as pip writes them, without credentials.
        artifacts: Files of the project that ``unlocked`` names.
        freeze: ``name==version`` of what is locked.
        source: Where the lock is from: ``index``, ``cache``, ``cog.lock``, or ``nothing to lock``.
        resolution: The lock as caches and lock files keep it.
        warnings: What works but should be changed.
        notes: What was decided in a way that the author may not expect.
    """

    locked: tuple[str, ...] = ()
    unlocked: tuple[str, ...] = ()
    index: tuple[str, ...] = ()
    artifacts: tuple[LocalArtifact, ...] = ()
    freeze: tuple[str, ...] = ()
    source: str = "index"
    resolution: Resolution = attrs.field(factory=Resolution, repr=False)
    warnings: tuple[Problem, ...] = ()
    notes: tuple[Noted, ...] = ()
