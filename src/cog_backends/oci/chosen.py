"""Which base was made for a Python the last time: good for as long as the package lists that decided are.

Choosing anew means checking signatures and resolving a hundred packages. It is left out while nothing can have
changed: the lists in the cache are the same files and young enough to be used without asking the mirror, and our own
code is the same.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from cog_core.values import PythonLayout, PythonVersion
from cog_oci.files import replace_file
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_backends.oci.store import Store


@attrs.frozen(kw_only=True)
class Chosen(Frozen):
    """What was chosen.

    Attributes:
        key: Of the layer in the store.
        created_by: What made it, for the image's history.
        layout: Where its Python is.
    """

    key: tuple[str, ...]
    created_by: str
    layout: PythonLayout


def recall(store: Store, question: tuple[str, ...], *, now: float) -> Chosen | None:
    """Return what was chosen, or None when it has to be chosen anew.

    Args:
        store: Where it is kept.
        question: What was asked: equal questions have equal answers as long as the lists are the same.
        now: Seconds since 1970.
    """
    try:
        record = json.loads(_record(store, question).read_bytes())
        if not record["since"] <= now < record["until"] or record["state"] != _state(store):
            return None
        version = PythonVersion.parse(record["layout"].pop("version"))
        layout = PythonLayout(version=version, **record["layout"])
        return Chosen(key=tuple(record["key"]), created_by=record["created_by"], layout=layout)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def remember(store: Store, question: tuple[str, ...], chosen: Chosen, *, now: float, lifetime: float) -> None:
    """Keep what was chosen.

    Args:
        store: Where to keep it.
        question: As for :func:`recall`.
        chosen: The answer.
        now: Seconds since 1970.
        lifetime: Seconds for which a list is used; older ones were not among those that decided.
    """
    ends = (path.stat().st_mtime + lifetime for path in _lists(store))
    layout = attrs.asdict(chosen.layout, recurse=False) | {"version": str(chosen.layout.version)}
    record = {
        "key": chosen.key,
        "created_by": chosen.created_by,
        "layout": layout,
        "since": now,
        "until": min((end for end in ends if end > now), default=now),
        "state": _state(store),
    }
    path = _record(store, question)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(record).encode(), folder=path.parent)


def _record(store: Store, question: tuple[str, ...]) -> Path:
    return store.root / "bases" / f"{hashlib.sha256(json.dumps(question).encode()).hexdigest()}.json"


def _lists(store: Store) -> Iterator[Path]:
    return (store.root / "debian" / "lists").glob("*.InRelease")


def _state(store: Store) -> list[Any]:
    """Return what tells one state of the lists, and of the code that reads them, from another."""
    code = (Path(__file__).parent / "debian").glob("*.py")
    facts = ((path.name, path.stat()) for path in (*_lists(store), *code))
    return sorted([name, info.st_size, info.st_mtime_ns] for name, info in facts)
