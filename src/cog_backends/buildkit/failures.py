"""What ``buildctl`` says when a build does not end well, as typed errors with advice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cog_backends.buildkit.facts import reason
from cog_core.buildkit_progress import OTHER_BASE
from cog_core.engine_advice import NETWORK
from cog_core.errors import BackendError, BackendUnavailable, BuildFailed, CogError, RegistryError

if TYPE_CHECKING:
    from cog_backends.buildkit.address import Server

_PUSH = re.compile(r"failed to push|failed to authorize|push access denied|pushing ")
_GONE = re.compile(
    r"code = Unavailable|Unavailable: |error reading from server|transport is closing|connection reset"
)
_FULL: Final = "no space left on device"


def failed(stderr: str, step: BuildFailed | None, server: Server) -> CogError:
    """Return the error of a build that ended badly.

    Args:
        stderr: All that ``buildctl`` printed.
        step: The step that failed, if one did.
        server: Who built.
    """
    text = reason(stderr)
    if step is not None and not _PUSH.search(step.message):
        if step.hint in {NETWORK, OTHER_BASE}:
            step.hint = (
                "Let the server reach its registry, or name a base that lies here: --base-image oci:DIR or "
                "--base-image docker-archive:FILE."
            )
        if _FULL in step.message and step.hint is None:
            step.hint = _make_room(server)
        return step
    if _PUSH.search(text):
        return RegistryError(
            f"the BuildKit server cannot push the image: {text}",
            hint="Log in with `cog login`, check that you may write there, and that the server reaches the registry.",
        )
    if _GONE.search(stderr):
        return BackendUnavailable(
            f"the BuildKit server at {server.address} went away during the build: {text}",
            hint="Start it again and repeat the build: it goes on with what is in the server's cache.",
        )
    if step is not None:
        return step
    return BackendError(f"buildctl failed: {text}", hint=_make_room(server) if _FULL in text else None)


def _make_room(server: Server) -> str:
    return f"Make room on the disk of the server at {server.address}, for example with `buildctl prune`."
