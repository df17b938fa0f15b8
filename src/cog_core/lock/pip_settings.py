"""pip's settings of the user: configuration files and variables (pip documentation, "Configuration")."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from configparser import RawConfigParser

    from cog_core.settings import Settings

_SECTIONS = ("global", "install")
_NO_FILE = "/dev/null"


def pip_settings(settings: Settings, *, root: Path = Path("/")) -> dict[str, str]:
    """Return pip's settings by their long names without dashes in front, as ``pip install`` would see them.

    A section for ``install`` wins over ``global``, a variable wins over both, and of files the later one wins:
    the system's, the user's, the environment's, and the one that ``PIP_CONFIG_FILE`` names. A file that cannot be
    read says nothing.

    Args:
        settings: Variables and the home directory.
        root: Where the system's files are looked for.
    """
    files = [parsed for path in _files(settings, root) if (parsed := _parsed(path)) is not None]
    found: dict[str, str] = {}
    for section in _SECTIONS:
        for parsed in files:
            if parsed.has_section(section):
                found |= {name.replace("_", "-"): value for name, value in parsed.items(section)}
    return found | _variables(settings.environ)


def _files(settings: Settings, root: Path) -> Iterator[Path]:
    env, home = settings.environ, settings.home
    chosen = env.get("PIP_CONFIG_FILE")
    if chosen == _NO_FILE:
        return
    yield from (root / "etc/xdg/pip/pip.conf", root / "etc/pip.conf")
    yield home / ".pip/pip.conf"
    if sys.platform == "darwin":
        yield home / "Library/Application Support/pip/pip.conf"
    yield Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"
    if environment := env.get("VIRTUAL_ENV"):
        yield Path(environment) / "pip.conf"
    if chosen:
        yield Path(chosen)


def _parsed(path: Path) -> RawConfigParser | None:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    import configparser  # noqa: PLC0415 - slow to load, and few people have such a file

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    return parser


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("PIP_") and value and name != "PIP_CONFIG_FILE"
    }
