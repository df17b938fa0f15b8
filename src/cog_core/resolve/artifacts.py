"""Wheels and source archives inside the project that a requirement names by their path (reference, section 1.6)."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from cog_core.config.files import FileKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_core.resolve.lines import Line

SUFFIXES: Final = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_REMOTE = re.compile(r"(?:[A-Za-z]+\+)?[A-Za-z][A-Za-z0-9+.-]*://|git@")
_DIRECT = re.compile(r"[A-Za-z0-9._-]+\s*(\[[^\]]*\]\s*)?@\s*(?P<target>.+)", re.DOTALL)


def is_local(text: str) -> bool:
    """Whether a requirement names something on disk, supported or not."""
    if text.startswith("file:"):
        return True
    if match := _DIRECT.fullmatch(text):
        target = match["target"].strip()
        return target.startswith("file:") or not _REMOTE.match(target)
    return not _REMOTE.match(text) and (_has_suffix(text) or _is_path(text))


def _has_suffix(text: str) -> bool:
    return _path_part(text).lower().endswith(SUFFIXES)


def _is_path(text: str) -> bool:
    first = re.split(r"[;\s\[]", text, maxsplit=1)[0]
    return first in {".", ".."} or first.startswith(("./", "../", "/", "~/")) or "\\" in first


def _path_part(text: str) -> str:
    """Return the text without what may follow a path: a marker or extras."""
    return re.sub(r"(?<=\w)\[[^\]]*\]$", "", text.partition(";")[0].strip()).strip()


def path_of(line: Line, text: str) -> str:
    """Return the path of an artifact relative to the project; it may lead outside."""
    return posixpath.normpath(posixpath.join(line.folder, text))


def problem_of(line: Line, text: str, *, options: bool, files: Mapping[str, FileKind]) -> str | None:
    """Return what is wrong with a local requirement, in upstream's words; None if it can be used.

    Args:
        line: Where it stands.
        text: The requirement without options.
        options: Options or hashes follow it.
        files: What stands at each path.
    """
    if text.startswith("file:") or re.search(r"@\s*file:", text):
        return f"local file URL requirements are not supported: {text}"
    if match := _DIRECT.fullmatch(text):
        direct = "local direct reference requirements (`name @ path`) are not supported"
        return f"{direct}; list the path directly instead: {match['target'].strip()}"
    if not _has_suffix(text):
        return f'local package requirement "{text}" is not a supported wheel or source archive'
    return _addition(text, options=options) or _problem_on_disk(
        text, files.get(path_of(line, text), FileKind.MISSING)
    )


def _addition(text: str, *, options: bool) -> str | None:
    if options:
        return "local package artifact requirements do not support inline options or hashes"
    if ";" in text:
        return "environment markers are not supported on local package artifact requirements"
    if _path_part(text) != text:
        return "extras are not supported on local package artifact requirements"
    return None


def _problem_on_disk(text: str, kind: FileKind) -> str | None:
    return {
        FileKind.FILE: None,
        FileKind.MISSING: f'local Python package artifact "{text}" not found',
        FileKind.OTHER: f'local Python package artifact "{text}" must be a regular file',
        FileKind.OUTSIDE: f'local Python package artifact "{text}" must be inside the project directory',
    }[kind]


def name_of(file: str) -> str | None:
    """Return the package that a wheel or source archive holds, by its file name; None if that does not tell."""
    from packaging import utils  # noqa: PLC0415 - slow, and many projects have no such file

    base = posixpath.basename(file)
    try:
        if base.endswith(".whl"):
            return str(utils.parse_wheel_filename(base)[0])
        return str(utils.parse_sdist_filename(base)[0])
    except (utils.InvalidWheelFilename, utils.InvalidSdistFilename):
        return None
