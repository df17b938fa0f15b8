"""What `--ssh` says: ``default``, the agent of ``SSH_AUTH_SOCK``, or ``ID=SOCKET``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cog_core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ID: Final = re.compile("[A-Za-z0-9_.-]+")
_VARIABLE: Final = "SSH_AUTH_SOCK"
"""Where an agent's socket is (ssh-agent(1))."""
_HINT: Final = "Write it as default or ID=SOCKET; `ssh-add FILE` gives a key to an agent."


def given_agents(texts: Iterable[str], root: Path, environ: Mapping[str, str]) -> dict[str, Path]:
    """Return the sockets of SSH agents by id.

    Args:
        texts: As written.
        root: Where relative paths begin: the project's folder.
        environ: Says where the user's own agent is.

    Raises:
        UsageError: One cannot be read, or is no socket.
    """
    found: dict[str, Path] = {}
    for text in texts:
        name, _, place = text.partition("=")
        if not _ID.fullmatch(name):
            raise UsageError(f"invalid --ssh: {name!r} is no id", hint=_HINT)
        if name in found:
            raise UsageError(f"the SSH agent {name!r} is given twice")
        found[name] = _socket(name, place or environ.get(_VARIABLE, ""), root)
    return found


def _socket(name: str, place: str, root: Path) -> Path:
    if not place:
        fact = f"the SSH agent {name!r} needs the variable {_VARIABLE}, and it is not set"
        raise UsageError(fact, hint="Start one with `eval $(ssh-agent)` and `ssh-add`.")
    path = root / Path(place).expanduser()
    if not path.is_socket() or "," in str(path):  # which separates the keys that builders would take instead
        raise UsageError(f"the SSH agent {name!r} has no socket at {path}", hint=_HINT)
    return path
