"""The fixtures of the contract, and what a subclass may override."""

from __future__ import annotations

import os
import secrets
import sys
from typing import TYPE_CHECKING, Final

import pytest

from cog_core.ir import Capability
from cog_core.process import Command, run
from cog_core.testing.contract.kit import Kit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from cog_core.testing.contract.subject import Subject

_SIZE: Final = "size=8m"


class ContractFixtures:
    """One fixture that a subclass must give; another one and two methods that it may give."""

    @pytest.fixture
    def subject(self) -> Subject:
        """Return the backend under test and its base; every subclass has its own."""
        raise NotImplementedError("a subclass of BackendContract needs the fixture 'subject'")

    @pytest.fixture
    def registry(self) -> Iterator[str]:
        """Give the host and port of a registry without TLS and login, which the engine reaches as this process does.

        By default it is one in memory, on 127.0.0.1; a subclass may give another, or skip.
        """
        from cog_core.testing.registry import Registry, serve  # noqa: PLC0415 - it needs a web server's packages

        with serve(Registry()) as host:
            yield host

    @pytest.fixture
    def small_disk(self, tmp_path: Path) -> Iterator[Path]:
        """Give an empty folder on a disk of some megabytes.

        By default it is a file system in memory, which only root on Linux may mount; a subclass may give another.
        """
        folder = tmp_path / "small-disk"
        folder.mkdir()
        if sys.platform != "linux" or os.geteuid() != 0 or _mount(folder):
            pytest.skip("a small disk can be mounted only by root on Linux")
        yield folder
        run(Command(argv=("umount", "--lazy", str(folder)))).check()

    def leftovers(self, subject: Subject) -> Collection[str]:
        """Return what a build could leave behind, as names.

        A check compares what was there before with what is there after an interrupt. By default these are the files
        in the cache's ``tmp`` folder; add containers, volumes, mounts, whatever the engine may keep.
        """
        return {str(path) for path in (subject.settings.cache / "tmp").rglob("*")}

    def remove_image(self, subject: Subject, reference: str) -> None:
        """Take an image out of the backend's store after a check; nothing by default. It may be missing."""

    @pytest.fixture
    def kit(self, subject: Subject, tmp_path: Path) -> Iterator[Kit]:
        """Give a check its tools; the backend has to answer, and to write layouts."""
        backend = subject.info.load(subject.settings)
        probe = backend.probe()
        if not probe.usable:
            pytest.fail(f"the backend cannot be used here: {probe.reason}")
        if Capability.OCI_LAYOUT not in probe.capabilities:
            pytest.fail("the contract is checked on OCI layouts, and the backend does not declare oci-layout here")
        tag = f"cog-contract-{secrets.token_hex(4)}"
        yield Kit(
            subject=subject,
            backend=backend,
            probe=probe,
            folder=tmp_path,
            leftovers=lambda: frozenset(self.leftovers(subject)),
            tag=tag,
        )
        if Capability.STORE in probe.capabilities:
            self.remove_image(subject, tag)


def _mount(folder: Path) -> int:
    """Mount a small file system in memory; return the status of the program that does it (tmpfs(5))."""
    return run(Command(argv=("mount", "-t", "tmpfs", "-o", _SIZE, "tmpfs", str(folder)))).code
