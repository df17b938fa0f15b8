"""Files that a page of the documentation shows: a line that names one, and a block below it."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"

_SHOWN = re.compile(r"`([\w./-]+\.(?:py|toml|yaml))`[^\n`]*:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shown_files(page: str) -> dict[str, str]:
    """Return the content of each file that a page shows in full, by its path."""
    return dict(_SHOWN.findall((DOCS / page).read_text("utf-8")))


def write_shown_files(page: str, folder: Path) -> Path:
    """Write the files of a page below a folder, and return the folder."""
    for name, content in shown_files(page).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return folder
