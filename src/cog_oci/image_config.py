"""Questions to an image's configuration, a plain JSON object (OCI image specification, "Image Configuration")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cog_oci import digest as digests
from cog_oci.errors import InvalidImage
from cog_oci.manifest import pairs
from cog_oci.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping


def diff_ids(config: Mapping[str, Any]) -> tuple[digests.Digest, ...]:
    """Return the digests of the layers' uncompressed archives, lowest first.

    Raises:
        InvalidImage: There is no such list.
    """
    rootfs = config.get("rootfs")
    values = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(values, list):
        raise InvalidImage("the image's configuration lists no layers (rootfs.diff_ids)")
    return tuple(digests.parse(value) for value in values)


def platform(config: Mapping[str, Any]) -> Platform:
    """Return what the image runs on.

    Raises:
        InvalidImage: The fields are no texts.
    """
    return Platform.from_json(dict(config), what="the image's configuration")


def labels(config: Mapping[str, Any]) -> dict[str, str]:
    """Return all labels.

    Raises:
        InvalidImage: They are no texts.
    """
    return dict(pairs(run_config(config).get("Labels"), what="the image's labels"))


def environment(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment that containers start with.

    Raises:
        InvalidImage: It is not a list of texts.
    """
    values = run_config(config).get("Env") or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidImage("the image's environment is not a list of texts")
    return {name: value for name, _, value in (item.partition("=") for item in values)}


def run_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part that says how to start containers; empty when there is none.

    Raises:
        InvalidImage: It is no object.
    """
    value = config.get("config") or {}
    if not isinstance(value, dict):
        raise InvalidImage("the image's configuration holds a 'config' that is no object")
    return value
