"""What the library gives back: frozen values for scripts, CI and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_core.backend import Layer
    from cog_core.events import Noted, Warned
    from cog_core.ir import BuildPlan
    from cog_core.values import Platform


@attrs.frozen(kw_only=True)
class BuildResult(Frozen):
    """An image that was built.

    Attributes:
        image_id: Digest of the image's configuration: what identifies it, wherever it is stored.
        digest: Digest of its manifest, where the backend has one.
        tag: The name it got in the backend's store; None when it was only delivered elsewhere.
        references: All names it got, registries' included.
        platform: What it runs on.
        backend: Who built it.
        reason: Why that backend, as one line.
        schema: The OpenAPI document.
        labels: All labels.
        layers: Lowest first.
        size: Bytes of all layers as stored, if the backend says.
        location: Where the image lies, for people: an engine's address, or a folder.
        plan: What was built.
        warnings: What works but should be changed.
        notes: What was decided or assumed.
        seconds: How long it took.
    """

    image_id: str
    digest: str | None
    tag: str | None
    references: tuple[str, ...]
    platform: Platform
    backend: str
    reason: str
    schema: Mapping[str, Any]
    labels: Mapping[str, str] = attrs.field(repr=False)
    layers: tuple[Layer, ...] = attrs.field(repr=False)
    size: int | None
    location: str
    plan: BuildPlan = attrs.field(repr=False)
    warnings: tuple[Warned, ...] = ()
    notes: tuple[Noted, ...] = ()
    seconds: float = 0.0


@attrs.frozen(kw_only=True)
class Prediction(Frozen):
    """What a model answered.

    Attributes:
        status: ``succeeded``, ``failed`` or ``canceled``.
        output: What it returned, as JSON has it; files are data URLs.
        error: Why it failed.
        metrics: Figures, ``predict_time`` in seconds among them.
        logs: What it printed.
        schema: The model's OpenAPI document, which says what the output is.
    """

    status: str
    output: Any = None
    error: str | None = None
    metrics: Mapping[str, Any] = attrs.field(factory=dict)
    logs: str = attrs.field(default="", repr=False)
    schema: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
