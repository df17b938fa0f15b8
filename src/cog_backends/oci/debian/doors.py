"""What the work of this package needs from outside, in one value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_backends.oci.debian.aptconf import read_apt_conf
from cog_backends.oci.debian.fetch import Fetcher, Network
from cog_backends.oci.debian.store import Store
from cog_core import clock, process
from cog_core.events import Noted, StepProgress, ignore
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cog_core.events import Emit
    from cog_core.process import Runner
    from cog_core.settings import Settings


@attrs.frozen(kw_only=True)
class Doors(Frozen):
    """The cache, the network, other programs, the clock, and whoever watches.

    Attributes:
        store: Where lists and packages are kept.
        fetcher: Fetches from mirrors.
        runner: Starts the program that checks signatures.
        allow_expired: Take package lists past their date.
        emit: Hears what is downloaded, and what was assumed for the user.
        step: Names the step of the build that the events belong to.
        now: The time in seconds since 1970.
    """

    store: Store
    fetcher: Fetcher
    runner: Runner = process.run
    allow_expired: bool = False
    emit: Emit = ignore
    step: str = "debian"
    now: Callable[[], float] = clock.now

    def note(self, message: str) -> None:
        """Tell whoever watches what was assumed for the user."""
        self.emit(Noted(message=message))

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell whoever watches how many bytes there are of how many."""
        self.emit(StepProgress(id=self.step, what=what, done=done, total=total))

    @classmethod
    def of_settings(
        cls,
        settings: Settings,
        *,
        root: Path,
        authorities: str | None = None,
        emit: Emit = ignore,
        step: str = "debian",
    ) -> Doors:
        """Return the doors that a machine and its settings give.

        Args:
            settings: Cache folder, proxies, and whether expired lists are allowed.
            root: Root folder of the machine whose apt configuration is read, normally ``/``.
            authorities: PEM text of certificate authorities to trust besides the machine's own.
            emit: As the attribute.
            step: As the attribute.
        """
        network = Network(apt=read_apt_conf(root), proxies=settings.proxies, authorities=authorities)
        return cls(
            store=Store(settings.cache / "debian"),
            fetcher=Fetcher(network),
            allow_expired=settings.allow_expired_lists,
            emit=emit,
            step=step,
        )
