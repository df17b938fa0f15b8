"""What a model takes and returns: the value that everything after the source is made from."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import attrs

from cog_core.schema.shapes import Json, Nullable, Shape
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.errors import Origin, Problem


class Mode(str, Enum):
    """What the model is asked to do."""

    PREDICT = "predict"
    TRAIN = "train"


@attrs.frozen
class Default(Frozen):
    """A default that can be written in JSON."""

    value: Json = attrs.field(hash=False)


@attrs.frozen(kw_only=True)
class InputField(Frozen):
    """One input.

    Attributes:
        shape: What values look like; with ``choices``, what they look like apart from that.
        required: A request without it is refused.
        default: None when there is none, or none that can be known without running the model.
        choices: The values allowed; for a list, the values that its items may have.
        minimum: ``ge`` of ``Input``.
        maximum: ``le`` of ``Input``.
        pattern: ``regex`` of ``Input``.
        accept: MIME types of a file, as in an HTML form.
        origin: Where it is declared.
    """

    name: str
    shape: Shape
    required: bool = True
    default: Default | None = None
    choices: tuple[Json, ...] = ()
    description: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    deprecated: bool = False
    accept: str | None = None
    origin: Origin | None = attrs.field(default=None, eq=False)

    @property
    def nullable(self) -> bool:
        """Whether null is a value of it."""
        return isinstance(self.shape, Nullable)


@attrs.frozen(kw_only=True)
class ModelSchema(Frozen):
    """The signature of a model.

    Attributes:
        reference: What was read, ``file.py:Name``.
        method: The method that is called; None when the name is a function.
        inputs: In order of declaration.
        output: What comes back.
        concurrency: ``max`` of ``@cog.concurrent``; None without that decorator.
        streaming: Marked with ``@cog.streaming``.
        batch: ``max_size`` and ``window`` of ``@cog.batch``, with its own defaults; None without that decorator.
        open_inputs: An earlier generation's model that declares no inputs and takes whatever is sent.
        description: The docstring of the class or function; it does not appear in the OpenAPI document.
        warnings: What works, but should be looked at.
    """

    reference: str
    mode: Mode
    method: str | None
    inputs: tuple[InputField, ...]
    output: Shape
    is_async: bool = False
    concurrency: int | None = None
    streaming: bool = False
    batch: tuple[int, float] | None = None
    open_inputs: bool = False
    description: str | None = None
    warnings: tuple[Problem, ...] = attrs.field(default=(), eq=False)
