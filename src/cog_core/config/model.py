"""What ``cog.yaml`` can say, as types. Every value is text until it stands in a field that is something else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core.config import shapes
from cog_core.config.shapes import flag, integer, number, text, texts
from cog_core.config.urls import without_credentials
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.config.nodes import Path


@attrs.frozen(repr=False)
class _Section(Frozen):
    def __repr__(self) -> str:
        """Return the values without credentials in URLs."""
        values = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in attrs.fields(type(self)))
        return without_credentials(f"{type(self).__name__}({values})")


@attrs.frozen(kw_only=True, repr=False)
class Mount(_Section):
    """A secret that one build command can read as a file."""

    type: str = shapes.required("secret", "mount")
    id: str = shapes.required("[^\\s,\0]+", "secret")
    target: str = shapes.required("/[^\0\n]+", "path")


@attrs.frozen(kw_only=True, repr=False)
class SshMount(_Section):
    """An SSH agent that one build command can ask."""

    type: str = shapes.required("ssh", "mount")
    id: str = shapes.matching("[A-Za-z0-9_.-]+", "agent", default="default")


def _mount(value: Any, path: Path, misfits: list[shapes.Misfit]) -> Any:
    kind = SshMount if isinstance(value, dict) and value.get("type") == "ssh" else Mount
    return shapes.read(kind, value, path, misfits)


@attrs.frozen(kw_only=True, repr=False)
class RunItem(_Section):
    """A command of the build; in the file a text, or a mapping when it needs a mount."""

    command: str = shapes.required(".*", "string")
    mounts: tuple[Mount | SshMount, ...] = shapes.list_of(_mount)


def _command(value: Any, path: Path, misfits: list[shapes.Misfit]) -> Any:
    if isinstance(value, str):
        return RunItem(command=value)
    if isinstance(value, dict) and "command" in value:
        return shapes.read(RunItem, value, path, misfits)
    misfits.append(shapes.Misfit(path, "command"))
    return None


@attrs.frozen(kw_only=True, repr=False)
class Build(_Section):
    """The section ``build``: what the image is made of.

    Attributes:
        gpu: The model needs a GPU.
        python_version: ``3.12`` or ``3.12.4``; never None in a configuration that was loaded.
        python_requirements: A requirements file inside the project.
        python_packages: Requirement lines.
        run: Commands, after all packages are installed.
        system_packages: Packages of the base's distribution.
        pre_install: Commands of older projects, after those of ``run``.
        cuda: CUDA version asked for.
        cudnn: cuDNN version asked for.
        sdk_version: Version of the ``cog`` package asked for.
        python_extra_index_urls: Further package indices, of older projects.
        python_find_links: Further places of packages, of older projects.
        architectures: ``cpu``, ``gpu``, of older projects.
        build_requires_gpu: Commands need a GPU, of older projects.
        post_install: Commands after the code is copied, of older projects.
    """

    gpu: bool = flag()
    python_version: str | None = text()
    python_requirements: str | None = text()
    python_packages: tuple[str, ...] = texts()
    run: tuple[RunItem, ...] = shapes.list_of(_command)
    system_packages: tuple[str, ...] = texts()
    pre_install: tuple[str, ...] = texts()
    cuda: str | None = text()
    cudnn: str | None = text()
    sdk_version: str | None = text()
    python_extra_index_urls: tuple[str, ...] = texts()
    python_find_links: tuple[str, ...] = texts()
    architectures: tuple[str, ...] = texts()
    build_requires_gpu: bool = flag()
    post_install: tuple[str, ...] = texts()


BATCH_SIZE: Final = 8
BATCH_WINDOW: Final = 0.01
"""What ``@cog.batch`` means without arguments (``cog/_decorators.py``)."""


@attrs.frozen(kw_only=True, repr=False)
class Batch(_Section):
    """The section ``concurrency.batch``: requests that arrive together run as one call.

    Attributes:
        max_size: Most requests of one call.
        window: Seconds that the first of them waits for others.
    """

    max_size: int | None = integer()
    window: float | None = number()


@attrs.frozen(kw_only=True, repr=False)
class Concurrency(_Section):
    """The section ``concurrency``: how many predictions run at once, and what becomes of the others.

    Attributes:
        max: Most predictions at a time; needed unless another key but ``default_target`` is there.
        default_target: How many a service should aim at.
        queue: Most predictions that wait for a slot.
        workers: Processes that run the model.
        threads: Predictions at a time in each of them, where the model's method blocks.
        timeout: Seconds that a prediction may take.
        batch: How requests become one call; in the file also a number, which is ``max_size``.
    """

    max: int | None = integer()
    default_target: int | None = integer()
    queue: int | None = integer()
    workers: int | None = integer()
    threads: int | None = integer()
    timeout: float | None = number()
    batch: Batch | None = shapes.section(Batch, short="max_size")  # noqa: RUF009 - it declares a field

    def lacks(self) -> str | None:
        """Return ``max`` when that is missing, because nothing else says anything."""
        others = (self.max, self.queue, self.workers, self.threads, self.timeout, self.batch)
        return "max" if all(value is None for value in others) else None


@attrs.frozen(kw_only=True, repr=False)
class WeightSource(_Section):
    """Where a set of weights comes from."""

    uri: str | None = text()
    include: tuple[str, ...] = texts()
    exclude: tuple[str, ...] = texts()


@attrs.frozen(kw_only=True, repr=False)
class Weight(_Section):
    """One set of managed weights."""

    name: str | None = text()
    target: str | None = text()
    source: tuple[WeightSource, ...] = shapes.sections(WeightSource, single=True)


@attrs.frozen(kw_only=True, repr=False)
class Config(_Section):
    """A whole configuration.

    Attributes:
        predict: Reference of the class or function that predicts, ``file.py:Name``; written ``run`` or ``predict``.
        train: Reference of the training function.
        image: Name of the image.
        model: Repository that the model belongs to.
        environment: Variables of the image, ``KEY=VALUE``.
        backend: Who builds, unless the command line or ``COG_BACKEND`` says otherwise.
        workdir: Folder in the project where the model works, of older projects.
    """

    build: Build = shapes.section(Build, default=Build())  # noqa: RUF009 - it declares a field
    image: str | None = text()
    model: str | None = text()
    predict: str | None = text()
    train: str | None = text()
    concurrency: Concurrency | None = shapes.section(Concurrency, check="lacks")  # noqa: RUF009 - it declares a field
    environment: tuple[str, ...] = texts()
    weights: tuple[Weight, ...] = shapes.sections(Weight)
    backend: str | None = text()
    workdir: str | None = text()

    def to_json(self) -> str:
        """Return the compact JSON that an image's label holds, without credentials in URLs.

        As in upstream (reference, sections 1.5 and 5.1): what is not set is left out, ``build`` is always there,
        commands are objects, and the runner stands under ``predict`` however the file calls it.
        """
        document = {"build": {}} | _written(self)
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _written(value: Any) -> Any:
    """Return what differs from the defaults, as JSON has it."""
    if isinstance(value, _Section):
        fields = [(field, getattr(value, field.name)) for field in attrs.fields(type(value))]
        return {field.name: _written(found) for field, found in fields if found != field.default}
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    return without_credentials(value) if isinstance(value, str) else value
