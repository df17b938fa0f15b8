"""The labels of an image: their names, how they are written and how they are read.

Names and contents are upstream's (reference, section 5.1). What only we write stands under ``org.cogmodel.``, where
images of before 2022 had what is under ``run.cog.`` today; readers of that age find their labels there too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core.values import COMPATIBLE_COG_VERSION
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_core.ir.steps import Pairs

VERSION: Final = "run.cog.version"
CONFIG: Final = "run.cog.config"
SCHEMA: Final = "run.cog.openapi_schema"
FREEZE: Final = "run.cog.pip_freeze"
HAS_INIT: Final = "run.cog.has_init"
REVISION: Final = "org.opencontainers.image.revision"
SOURCE_VERSION: Final = "org.opencontainers.image.version"
LOCK: Final = "org.cogmodel.lock"
BUILDER: Final = "org.cogmodel.builder"
OLD_VERSION: Final = "org.cogmodel.cog_version"
OLD_CONFIG: Final = "org.cogmodel.config"
OLD_SCHEMA: Final = "org.cogmodel.openapi_schema"
RESERVED: Final = "run.cog."


@attrs.frozen(kw_only=True)
class SourceFacts(Frozen):
    """What version control says about a project; an explicit input, since two copies of one project may differ in it.

    Attributes:
        revision: The commit.
        version: The tag or branch.
    """

    revision: str | None = None
    version: str | None = None


def write(
    *,
    config: str,
    schema: str | None,
    freeze: tuple[str, ...],
    partial: bool,
    lock: tuple[str, ...],
    builder: str,
    source: SourceFacts,
) -> Pairs:
    """Return the labels of an image, sorted by name.

    Args:
        config: The effective configuration as JSON.
        schema: The OpenAPI document as JSON; None for an image that only has an environment.
        freeze: What ``pip freeze`` would say of the locked packages.
        partial: Commands or source packages may have installed more.
        lock: The locked requirement lines with hashes.
        builder: What built it: name and version.
        source: Facts of version control.
    """
    remark = ("# further packages come from build.run or from sources",) if partial else ()
    labels = {
        VERSION: COMPATIBLE_COG_VERSION,
        CONFIG: config,
        SCHEMA: schema,
        FREEZE: "\n".join((*freeze, *remark)),
        HAS_INIT: "true",
        REVISION: source.revision,
        SOURCE_VERSION: source.version,
        LOCK: json.dumps(lock, separators=(",", ":")) if lock else None,
        BUILDER: builder,
        OLD_VERSION: COMPATIBLE_COG_VERSION,
        OLD_CONFIG: config,
        OLD_SCHEMA: schema,
    }
    return tuple(sorted((name, value) for name, value in labels.items() if value is not None))


def read_schema(labels: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the OpenAPI document of an image of any generation, or None when it has none that can be read."""
    try:
        document = json.loads(labels.get(SCHEMA) or labels.get(OLD_SCHEMA) or "null")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def read_config(labels: Mapping[str, str]) -> str | None:
    """Return the configuration of an image of any generation as JSON text."""
    return labels.get(CONFIG) or labels.get(OLD_CONFIG)


def is_model(labels: Mapping[str, str]) -> bool:
    """Whether an image was made by Cog, ours or Replicate's, of any generation."""
    return read_config(labels) is not None
