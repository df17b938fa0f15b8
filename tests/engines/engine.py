"""What an engine is to the tests, and how one is brought up."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from tests.engines import apt
from tests.engines.machine import HOW, Broken, Unavailable

if TYPE_CHECKING:
    from tests.engines.machine import Machine


class Engine(ABC):
    """Something real that tests need; each kind is a module of its own, named in :mod:`tests.engines.table`.

    Attributes:
        name: What tests write in ``@pytest.mark.engine(name)``.
        how: What a person does to have it, without the tests doing so.
    """

    name: ClassVar[str]
    how: ClassVar[str]

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @abstractmethod
    def present(self) -> bool:
        """Whether what has to be installed is installed; says nothing about running."""

    @abstractmethod
    def why_not(self) -> str | None:
        """Say why it cannot be used at this moment; None: it can."""

    def install(self) -> None:
        """Install what is missing.

        Raises:
            Broken: It cannot be installed.
        """
        raise Broken(f"{self.name} is nothing that the tests can install: {self.how}")

    def start(self) -> None:  # noqa: B027 - most engines have no daemon
        """Start what has to run, and return when it answers."""

    def stop(self) -> None:  # noqa: B027 - most engines have no daemon
        """Stop what :meth:`start` started, unless another test run uses it."""


class Tool(Engine):
    """An engine that is no more than installed programs.

    Attributes:
        programs: Names of programs that must all be found.
        packages: Debian packages that bring them.
    """

    programs: ClassVar[tuple[str, ...]]
    packages: ClassVar[tuple[str, ...]]

    def missing(self) -> list[str]:
        """Return the programs that are not found."""
        return [name for name in self.programs if not shutil.which(name, path=self.machine.environ.get("PATH"))]

    def present(self) -> bool:
        return not self.missing()

    def why_not(self) -> str | None:
        missing = self.missing()
        return f"not installed: {', '.join(missing)}" if missing else None

    def install(self) -> None:
        apt.install(self.machine, *self.packages)


def bring_up(engine: Engine) -> None:
    """Make an engine usable, or say why it is not.

    Raises:
        Unavailable: It is not usable, and this machine may not be changed.
        Broken: This machine may be changed, and still it could not be brought up.
    """
    if not engine.machine.may_install:
        if reason := engine.why_not():
            raise Unavailable(reason, f"{engine.how}, {HOW}")
        return
    with engine.machine.lock(engine.name):
        reason = engine.why_not()
        if reason and not engine.present():
            engine.machine.tell(f"installing {engine.name}")
            engine.install()
        engine.start()
    if reason and (reason := engine.why_not()):
        raise Broken(f"{engine.name} was installed and started, and is still not usable: {reason}")
