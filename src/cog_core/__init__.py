"""From a project to a plan, and from a plan to an image: the library under the command line.

For scripts and CI::

    import cog_core

    result = cog_core.build("my-model", tag="my-model:1", backend="oci")
    print(result.image_id, result.digest)
    print(cog_core.predict("my-model:1", {"text": "hello"}).output)

Names load when they are first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cog_core.backend import ImageInfo, Layer, ToDockerArchive, ToLayout, ToRegistry, ToStore
    from cog_core.errors import CogError
    from cog_core.images import build, inspect, load, plan, push
    from cog_core.labels import SourceFacts
    from cog_core.predictions import open_model, predict, serving
    from cog_core.results import BuildResult, Prediction
    from cog_core.settings import Settings
    from cog_core.values import Platform

__all__ = [
    "BuildResult",
    "CogError",
    "ImageInfo",
    "Layer",
    "Platform",
    "Prediction",
    "Settings",
    "SourceFacts",
    "ToDockerArchive",
    "ToLayout",
    "ToRegistry",
    "ToStore",
    "build",
    "inspect",
    "load",
    "open_model",
    "plan",
    "predict",
    "push",
    "serving",
]

_HOMES: Final = {
    "backend": ("ImageInfo", "Layer", "ToDockerArchive", "ToLayout", "ToRegistry", "ToStore"),
    "images": ("build", "inspect", "load", "plan", "push"),
    "errors": ("CogError",),
    "labels": ("SourceFacts",),
    "predictions": ("open_model", "predict", "serving"),
    "results": ("BuildResult", "Prediction"),
    "settings": ("Settings",),
    "values": ("Platform",),
}


def __getattr__(name: str) -> Any:
    """Import what a name stands for (PEP 562)."""
    import importlib  # noqa: PLC0415 - keeps the import of this package free

    for module, names in _HOMES.items():
        if name in names:
            value = getattr(importlib.import_module(f"cog_core.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'cog_core' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
