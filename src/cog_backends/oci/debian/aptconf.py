"""The host's apt configuration, as far as it says how mirrors are reached (apt.conf(5))."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PART_OF_FILE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\#(?!clear|include)[^\n]*   # comments
      | (?P<mark>[{};])
      | "(?P<quoted>(?:\\.|[^"\\])*)"
      | (?P<word>[^\s{};"]+)""",
    re.VERBOSE | re.DOTALL,
)
_FILE_NAME = re.compile(r"[A-Za-z0-9_\-]+(?:\.conf)?|[A-Za-z0-9_\-.]+\.conf")


def read_apt_conf(root: Path) -> dict[str, str]:
    """Return the scalar settings below ``root``/etc/apt by lower-case name, such as ``acquire::http::proxy``.

    Files that cannot be read are left out: a setting that apt itself would not see decides nothing here.
    """
    settings: dict[str, str] = {}
    for path in _files(root / "etc/apt"):
        with contextlib.suppress(OSError):
            settings.update(parse_apt_conf(path.read_text("utf-8", "replace")))
    return settings


def _files(folder: Path) -> Iterator[Path]:
    parts = folder / "apt.conf.d"
    if parts.is_dir():
        yield from sorted(path for path in parts.iterdir() if _FILE_NAME.fullmatch(path.name))
    yield folder / "apt.conf"


def parse_apt_conf(text: str) -> dict[str, str]:
    """Return the scalar settings of one file by lower-case name; later ones win."""
    settings: dict[str, str] = {}
    scopes: list[str] = []
    words: list[str] = []
    for part in _parts(text):
        if part == "{":
            scopes.append(words[0].lower() if words else "")
            words = []
        elif part in {"}", ";"}:
            _assign(settings, scopes, words)
            words = []
            if part == "}" and scopes:
                scopes.pop()
        else:
            words.append(part)
    return settings


def _parts(text: str) -> Iterator[str]:
    for match in _PART_OF_FILE.finditer(text):
        if match["quoted"] is not None:
            yield match["quoted"].replace('\\"', '"').replace("\\\\", "\\")
        elif part := match["mark"] or match["word"]:
            yield part


def _assign(settings: dict[str, str], scopes: list[str], words: list[str]) -> None:
    if not words:
        return
    if words[0].lower() == "#clear":
        prefix = words[1].lower() if words[1:] else ""
        for name in [name for name in settings if name == prefix or name.startswith(f"{prefix}::")]:
            del settings[name]
    elif len(words) == 2:
        settings["::".join([*scopes, words[0].lower()])] = words[1]


def proxy_for(scheme: str, host: str, settings: Mapping[str, str]) -> str | None:
    """Return apt's proxy for a host, ``DIRECT`` when apt says that none is to be used, None when it says nothing."""
    name = f"acquire::{scheme}::proxy"
    proxy = settings.get(f"{name}::{host.lower()}") or settings.get(name)
    if proxy is None or proxy.upper() == "DIRECT":
        return proxy and "DIRECT"
    return None if proxy.lower() == "false" else proxy
