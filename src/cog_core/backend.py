"""The contract between the core and those who build: one record, two methods, and optional abilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import attrs

from cog_core.ir.capabilities import Capability
from cog_core.values import Platform, Secret
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from typing_extensions import Self

    from cog_core.caches import Cache
    from cog_core.context import BuildContext
    from cog_core.events import Emit
    from cog_core.ir import BuildPlan
    from cog_core.settings import Settings


@attrs.frozen
class ToStore(Frozen):
    """Keep the image where the backend keeps its images, under this name."""

    tag: str


@attrs.frozen
class ToLayout(Frozen):
    """Write an OCI image layout (OCI image specification, "Image Layout") into this folder."""

    path: Path


@attrs.frozen
class ToDockerArchive(Frozen):
    """Write a file as ``docker save`` does."""

    path: Path


@attrs.frozen
class ToRegistry(Frozen):
    """Push to a registry under this reference."""

    reference: str


Output: TypeAlias = "ToStore | ToLayout | ToDockerArchive | ToRegistry"


@attrs.frozen(kw_only=True)
class BuildRequest(Frozen):
    """What a backend is asked to do.

    Attributes:
        plan: The image; already lowered to the backend's capabilities.
        contexts: Files by the names that the plan's steps use.
        outputs: Where the image goes; never empty.
        secrets: Secrets by the ids that the plan's mounts use.
        ssh: Sockets of SSH agents by the ids that the plan's mounts use.
        no_cache: Do every step anew.
        pull: Ask the registry for the newest image of the base's name, although there is one here.
        cache_from: Where layers of earlier builds may be found, besides the builder's own cache.
        cache_to: Where the layers of this one go, for others.
    """

    plan: BuildPlan
    contexts: Mapping[str, BuildContext]
    outputs: tuple[Output, ...]
    secrets: Mapping[str, Secret] = attrs.field(factory=dict, repr=False)
    ssh: Mapping[str, Path] = attrs.field(factory=dict)
    no_cache: bool = False
    pull: bool = False
    cache_from: tuple[Cache, ...] = ()
    cache_to: tuple[Cache, ...] = ()


@attrs.frozen(kw_only=True)
class Layer(Frozen):
    """A layer of a finished image.

    Attributes:
        diff_id: Digest of the uncompressed archive.
        size: Bytes as stored; None when the engine does not say.
        created_by: What made it, as the image's history says.
    """

    diff_id: str
    size: int | None = None
    created_by: str = ""


@attrs.frozen(kw_only=True)
class ImageInfo(Frozen):
    """What an image says about itself.

    Attributes:
        image_id: Digest of its configuration: the identity of an image, whoever stores it.
        digest: Digest of its manifest, where there is one.
        references: Names it has.
        labels: All labels.
        config: The OCI configuration's ``config`` object.
        size: Bytes of all layers as stored.
        location: Where it lies, for people: an engine's address, or a folder.
    """

    image_id: str
    digest: str | None = None
    references: tuple[str, ...] = ()
    platform: Platform = attrs.field(factory=Platform)
    labels: Mapping[str, str] = attrs.field(factory=dict)
    config: Mapping[str, Any] = attrs.field(factory=dict)
    layers: tuple[Layer, ...] = ()
    size: int | None = None
    location: str = ""


def _abilities(given: Iterable[Capability]) -> frozenset[Capability]:
    return frozenset(given)


def _known(given: Iterable[Capability]) -> frozenset[Capability]:
    return frozenset(map(Capability, given))


def _facts(given: Mapping[str, str]) -> Mapping[str, str]:
    return {str(name): str(value) for name, value in given.items()}


def _text(given: str | None) -> str | None:
    return None if given is None else str(given)


@attrs.frozen(kw_only=True)
class Probe(Frozen):
    """Whether a backend can be used on this machine now.

    Attributes:
        usable: It answered.
        reason: Why not, or what answered, for one line of a listing.
        version: The engine's version.
        capabilities: What it can do here, at most what its record declares.
        fix: The one command for a shell that would make it usable, or the ``https://`` address where one reads how.
        details: Further facts by name, such as the builder it chose.
    """

    usable: bool
    reason: str
    version: str | None = attrs.field(default=None, converter=_text)
    # Strangers make these; what cannot be right is to fail in their code, where it is told as theirs.
    capabilities: frozenset[Capability] = attrs.field(default=frozenset(), converter=_known)
    fix: str | None = attrs.field(default=None, converter=_text)
    details: Mapping[str, str] = attrs.field(factory=dict, converter=_facts)


@runtime_checkable
class Backend(Protocol):
    """Something that turns a plan into an image."""

    def probe(self) -> Probe:
        """Say whether this backend works here; never raises, never changes anything.

        It is called in a thread of its own, while the project is being understood.
        """
        ...

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        """Build the image and deliver it to every output.

        On any exception, an interrupt included, nothing half-made is left behind.

        Raises:
            BuildFailed: A step failed.
            BackendError: The engine failed.
        """
        ...


@attrs.frozen(kw_only=True)
class BackendInfo(Frozen):
    """What a plugin registers.

    Attributes:
        name: What ``--backend`` takes.
        summary: One line for a listing.
        capabilities: All that it can ever do; a probe may find less.
        load: Makes the backend; engines and their libraries are imported here, not before.
    """

    name: str
    summary: str
    capabilities: frozenset[Capability] = attrs.field(converter=_abilities)
    load: Callable[[Settings], Backend]


@runtime_checkable
class InspectsImages(Protocol):
    """A backend that can look at images."""

    def inspect(self, reference: str) -> ImageInfo:
        """Return what an image says about itself.

        Raises:
            ImageNotFound: There is none of this name.
        """
        ...


@runtime_checkable
class PullsImages(Protocol):
    """A backend that can fetch an image from a registry into its store."""

    def pull(self, reference: str, emit: Emit) -> None:
        """Fetch an image for this machine's platform.

        Raises:
            ImageNotFound: The registry has none of this name.
            RegistryError: It refused, or is out of reach.
        """
        ...


@runtime_checkable
class LoadsImages(Protocol):
    """A backend whose store takes images from an archive."""

    def load(self, archive: Path) -> None:
        """Read an archive as ``docker save`` writes it, under the names that it gives.

        Raises:
            BackendError: The engine refused.
        """
        ...


@runtime_checkable
class ExportsImages(InspectsImages, Protocol):
    """A backend that can write an image of its store into an archive."""

    def export(self, reference: str, archive: Path) -> None:
        """Write an archive as ``docker save`` does.

        Raises:
            ImageNotFound: There is none of this name.
        """
        ...


@runtime_checkable
class PushesImages(Protocol):
    """A backend that can send an image of its store to a registry."""

    def push(self, reference: str, target: str, emit: Emit) -> str:
        """Push and return the manifest's digest.

        Raises:
            ImageNotFound: There is none of this name.
            RegistryError: The registry refused.
        """
        ...


@attrs.frozen(kw_only=True)
class Bind(Frozen):
    """A folder of this machine, seen in a container."""

    source: Path
    target: str
    read_only: bool = False


@attrs.frozen(kw_only=True)
class RunRequest(Frozen):
    """A container to start.

    Attributes:
        reference: The image.
        command: Instead of the image's own command.
        environment: Added to the image's own.
        binds: Folders of this machine.
        ports: Pairs of host address (``127.0.0.1:0`` lets the machine choose the port) and container port.
        gpus: As ``docker run --gpus`` takes it; ``auto``: all, if there are any; None: none.
            :class:`cog_core.gpus.Gpus` reads it.
        interactive: Connect our standard input, and a terminal if we have one.
        serves: The command is a Cog server; it listens on the first port.
    """

    reference: str
    command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    binds: tuple[Bind, ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    gpus: str | None = None
    interactive: bool = False
    serves: bool = False


class Container(Protocol):
    """A container that was started. Leaving its context stops and removes it, whatever happened."""

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Host addresses and ports that lead to the requested ports, in their order."""
        ...

    def wait(self, timeout: float | None = None) -> int | None:
        """Return the exit status, or None when it still runs after ``timeout`` seconds."""
        ...

    def logs(self) -> str:
        """Return what it printed so far."""
        ...

    def __enter__(self) -> Self:
        """Return the running container."""
        ...

    def __exit__(self, *_: object) -> None:
        """Stop and remove it."""
        ...


@runtime_checkable
class RunsImages(Protocol):
    """A backend that can start containers from the images in its store."""

    def run(self, request: RunRequest, on_line: Callable[[str, str], None]) -> Container:
        """Start a container.

        Args:
            request: What to start.
            on_line: Called with ``stdout`` or ``stderr`` and each line; not called for an interactive one.

        Raises:
            ImageNotFound: There is none of this name.
            BackendError: It could not be started.
        """
        ...
