"""The version of the ``cog`` package that a project asks for, and the answer to it: the SDK that we bring."""

from __future__ import annotations

import re
from typing import Final

PRERELEASE: Final = "prerelease"
_OLDEST, _OLDEST_STATIC = "0.16.0", "0.17.0"
_SEMVER_PRERELEASE = re.compile(r"(\d+(?:\.\d+)*)-(alpha|beta|rc)\.?(\d+)?")


def problem_of(text: str) -> str | None:
    """Return what is wrong with ``build.sdk_version`` (reference, section 3.5); None if nothing is."""
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - slow, and few projects say this

    if text == PRERELEASE:
        return None
    match = _SEMVER_PRERELEASE.fullmatch(text)
    try:
        version = Version(f"{match[1]}{match[2]}{match[3] or 0}" if match else text)
    except InvalidVersion:
        return "must be a version such as 0.22.0"
    if Version(version.base_version) < Version(_OLDEST):
        return f"cog version {text} is below the minimum required version {_OLDEST}"
    if Version(version.base_version) < Version(_OLDEST_STATIC):
        return f"SDK version {text} is not supported by static schema generation; use {_OLDEST_STATIC} or newer"
    return None
