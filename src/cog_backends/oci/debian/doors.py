"""What the work of this package needs from outside, in one value."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import attrs

from cog_backends.oci.debian.aptconf import read_apt_conf
from cog_backends.oci.debian.fetch import Fetcher, Network
from cog_backends.oci.debian.store import Store
from cog_core import process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cog_core.process import Runner
    from cog_core.settings import Settings


def _say_nothing(_: str) -> None:
    pass


def _show_nothing(_: str, __: int, ___: int | None) -> None:
    pass


@attrs.frozen(kw_only=True)
class Doors:
    """The cache, the network, other programs, the clock, and whoever watches.

    Attributes:
        store: Where lists and packages are kept.
        fetcher: Fetches from mirrors.
        runner: Starts the program that checks signatures.
        allow_expired: Take package lists past their date.
        note: Called with a sentence about something that was assumed for the user.
        progress: Called with what is going on, bytes done, and bytes in all when that is known.
        now: The time in seconds since 1970.
    """

    store: Store
    fetcher: Fetcher
    runner: Runner = process.run
    allow_expired: bool = False
    note: Callable[[str], None] = _say_nothing
    progress: Callable[[str, int, int | None], None] = _show_nothing
    now: Callable[[], float] = time.time

    @classmethod
    def of_settings(
        cls,
        settings: Settings,
        *,
        root: Path,
        authorities: str | None = None,
        note: Callable[[str], None] = _say_nothing,
        progress: Callable[[str, int, int | None], None] = _show_nothing,
    ) -> Doors:
        """Return the doors that a machine and its settings give.

        Args:
            settings: Cache folder, proxies, and whether expired lists are allowed.
            root: Root folder of the machine whose apt configuration is read, normally ``/``.
            authorities: PEM text of certificate authorities to trust besides the machine's own.
            note: As the attribute.
            progress: As the attribute.
        """
        network = Network(apt=read_apt_conf(root), proxies=settings.proxies, authorities=authorities)
        return cls(
            store=Store(settings.cache / "debian"),
            fetcher=Fetcher(network),
            allow_expired=settings.allow_expired_lists,
            note=note,
            progress=progress,
        )
