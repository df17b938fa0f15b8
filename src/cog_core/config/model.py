"""What ``cog.yaml`` can say, as types. Every value is text until it stands in a field that is something else."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from cog_core.config.urls import without_credentials


def _blank_is_none(value: Any) -> Any:
    return (value.strip() or None) if isinstance(value, str) else value


Text = Annotated[str | None, BeforeValidator(_blank_is_none)]
"""A single value; an empty one counts as not written."""
Texts = tuple[str, ...]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, hide_input_in_errors=True)

    def __repr__(self) -> str:
        """Return the values without credentials in URLs."""
        return without_credentials(super().__repr__())

    __str__ = __repr__


class Mount(_Section):
    """A secret that one build command can read as a file."""

    type: Literal["secret"]
    id: str = Field(min_length=1)
    target: str = Field(pattern="^/[^\0\n]+$")


class RunItem(_Section):
    """A command of the build; in the file a text, or a mapping when it needs a mount."""

    command: str
    mounts: tuple[Mount, ...] = ()


def _command(value: Any) -> Any:
    if isinstance(value, str):
        return {"command": value}
    if not isinstance(value, RunItem) and not (isinstance(value, dict) and "command" in value):
        raise PydanticCustomError("run_item", "must be a string, or a mapping with the key command")
    return value


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

    gpu: bool = False
    python_version: Text = None
    python_requirements: Text = None
    python_packages: Texts = ()
    run: tuple[Annotated[RunItem, BeforeValidator(_command)], ...] = ()
    system_packages: Texts = ()
    pre_install: Texts = ()
    cuda: Text = None
    cudnn: Text = None
    sdk_version: Text = None
    python_extra_index_urls: Texts = ()
    python_find_links: Texts = ()
    architectures: Texts = ()
    build_requires_gpu: bool = False
    post_install: Texts = ()


class Concurrency(_Section):
    """The section ``concurrency``: how many predictions run at once.

    Attributes:
        max: Most predictions at a time.
        default_target: How many a service should aim at.
    """

    max: int
    default_target: int | None = None


class WeightSource(_Section):
    """Where a set of weights comes from."""

    uri: Text = None
    include: Texts = ()
    exclude: Texts = ()


def _sources(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Weight(_Section):
    """One set of managed weights."""

    name: Text = None
    target: Text = None
    source: Annotated[tuple[WeightSource, ...], BeforeValidator(_sources)] = ()


class Config(_Section):
    """A whole configuration.

    Attributes:
        predict: Reference of the class or function that predicts, ``file.py:Name``; written ``run`` or ``predict``.
        train: Reference of the training function.
        image: Name of the image.
        model: Repository that the model belongs to.
        environment: Variables of the image, ``KEY=VALUE``.
        workdir: Folder in the project where the model works, of older projects.
    """

    build: Build = Build()
    image: Text = None
    model: Text = None
    predict: Text = None
    train: Text = None
    concurrency: Concurrency | None = None
    environment: Texts = ()
    weights: tuple[Weight, ...] = ()
    workdir: Text = None

    def to_json(self) -> str:
        """Return the compact JSON that an image's label holds, without credentials in URLs.

        As in upstream (reference, sections 1.5 and 5.1): what is not set is left out, ``build`` is always there,
        commands are objects, and the runner stands under ``predict`` however the file calls it.
        """
        document = {"build": {}} | self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(_without_credentials(document), ensure_ascii=False, separators=(",", ":"))


def _without_credentials(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_credentials(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_credentials(item) for item in value]
    return without_credentials(value) if isinstance(value, str) else value
