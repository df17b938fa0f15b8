"""The engines of one test run: brought up when first needed, once, and stopped at the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.engines.bases import Bases
from tests.engines.engine import bring_up
from tests.engines.machine import Broken, Unavailable
from tests.engines.table import KINDS

if TYPE_CHECKING:
    from tests.engines.engine import Engine
    from tests.engines.machine import Machine


class Engines:
    """All engines of a test run.

    Attributes:
        machine: Where they are.
        bases: Its base images.
        lacking: How many tests were skipped for what, with the way to have it: ``{(reason, how): count}``.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.bases = Bases(machine)
        self.lacking: Counter[tuple[str, str]] = Counter()
        self._engines: dict[str, Engine] = {}
        self._failures: dict[str, Unavailable | Broken] = {}

    def get(self, name: str) -> Engine:
        """Return an engine, brought up; the outcome of the first try holds for the whole run.

        Raises:
            Unavailable: It is not there, and nothing may be changed.
            Broken: It could not be brought up.
        """
        if name in self._failures:
            raise self._failures[name].with_traceback(None)
        if name not in self._engines:
            try:
                engine = KINDS[name](self.machine)
                self._engines[name] = engine
                bring_up(engine)
            except (Unavailable, Broken) as error:
                self._failures[name] = error
                raise
        return self._engines[name]

    def why_not(self, name: str) -> Unavailable | Broken | None:
        """Bring an engine up; return what kept it from that, None: it is up."""
        try:
            self.get(name)
        except (Unavailable, Broken) as error:
            return error
        return None

    def close(self) -> None:
        """Stop what was started for this run, the last one first."""
        for engine in reversed(self._engines.values()):
            with self.machine.lock(engine.name):
                engine.stop()
        self._engines.clear()
