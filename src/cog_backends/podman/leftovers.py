"""What interrupted builds leave in the store: between commands a signal ends buildah on the spot.

A working container does not say whose it is. So those that may be an interrupted build's are written down, and are
removed by the last build that ends: whatever still exists then is nobody's.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from cog_oci.locks import shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from cog_backends.podman.store import Images

_LOCK: Final = "podman-builds"
_NOTED: Final = "podman-left"


@contextmanager
def tidied(images: Images, stands_on: Callable[[], tuple[str, ...]]) -> Iterator[None]:
    """Do a build; when it does not end by itself its containers are removed, at the latest when the next build ends.

    Args:
        images: The store.
        stands_on: Ids of the images that containers of this build begin with, without ``sha256:``; they may be short.
    """
    folder = images.settings.cache
    folder.mkdir(parents=True, exist_ok=True)
    noted = folder / _NOTED
    with shared(folder / _LOCK) as alone:
        before = images.working()
        try:
            yield
        except BaseException:
            if before is not None and (after := images.working()):
                ours = stands_on()
                late = [
                    name for name, image in after.items() if name not in before and _stands_on(image, ours, images)
                ]
                _note(noted, late)
            raise
        finally:
            if noted.exists() and alone():
                left = images.stop_working(*noted.read_text("ascii").split())
                noted.unlink()
                _note(noted, left)


def _note(noted: Path, containers: Iterable[str]) -> None:
    if lines := [f"{name}\n" for name in containers]:
        with noted.open("a", encoding="ascii") as file:
            file.writelines(lines)


def _stands_on(image: str, ours: tuple[str, ...], images: Images) -> bool:
    """Whether an image is one of these, or was made from one: buildah had done more steps than it had told of."""
    while image and not image.startswith(ours):
        image = images.parent(image)
    return bool(image)
