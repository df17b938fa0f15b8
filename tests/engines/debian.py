"""A Debian mirror, over the network: the one that this machine's apt uses."""

from __future__ import annotations

import functools
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING

from tests.engines.engine import Engine
from tests.engines.machine import os_release

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANSWER = 20.0
_ENOUGH = 2048
_ORIGIN = re.compile(r"^Origin: Debian$", re.MULTILINE)
_USUAL_SUITE = "stable"


class Debian(Engine):
    """A mirror of the Debian archive; ``COG_DEBIAN_MIRROR`` names one where apt's sources do not."""

    name = "debian"
    how = "set COG_DEBIAN_MIRROR to the address of a Debian mirror that can be reached"

    def present(self) -> bool:
        return self.why_not() is None

    def why_not(self) -> str | None:
        answers = self._answers
        if not answers:
            return "apt on this machine knows no Debian mirror"
        return None if None in answers.values() else "; ".join(filter(None, answers.values()))

    def mirror(self) -> str | None:
        """Return the address of the first mirror that answers."""
        return next((address for address, reason in self._answers.items() if reason is None), None)

    @functools.cached_property
    def _answers(self) -> dict[str, str | None]:
        """Addresses, each with the reason why it is not usable; None: it is."""
        return {address: _why_no_mirror(address, _suite()) for address in self._addresses()}

    def _addresses(self) -> Iterator[str]:
        if chosen := self.machine.environ.get("COG_DEBIAN_MIRROR"):
            yield chosen.rstrip("/")
            return
        asked = ("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages")
        lines = dict.fromkeys(self.machine.attempt(asked).stdout.splitlines())
        for line in lines:
            address, _, suite = line.partition(" ")
            if suite == _suite():
                yield address.rstrip("/")


def _suite() -> str:
    release = os_release()
    return release.get("VERSION_CODENAME", _USUAL_SUITE) if release.get("ID") == "debian" else _USUAL_SUITE


def _why_no_mirror(address: str, suite: str) -> str | None:
    url = f"{address}/dists/{suite}/InRelease"
    if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
        return f"{address} is not reached by HTTP"
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER) as answer:
            start = answer.read(_ENOUGH).decode(errors="replace")
    except (OSError, urllib.error.URLError) as error:
        return f"{url}: {error}"
    return None if _ORIGIN.search(start) else f"{url} is not a Debian archive"
