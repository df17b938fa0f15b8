"""What the engines know about the machine: whether it may be changed, where things are kept, who listens."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

VARIABLE = "COG_TEST_ENGINES"
HOW = f"or run the tests as root on Debian with {VARIABLE}=install"
_TAIL = 40


class Unavailable(Exception):
    """Something is not there, and may not be installed here: its tests are skipped.

    Attributes:
        reason: What is missing.
        how: What a person does to have it.
    """

    def __init__(self, reason: str, how: str) -> None:
        super().__init__(f"{reason} (to have it: {how})")
        self.reason = reason
        self.how = how


class Broken(Exception):
    """Something could not be installed, made or started although that was asked for: its tests fail."""

    def __init__(self, reason: str, log: str = "") -> None:
        tail = "\n".join(log.strip().splitlines()[-_TAIL:])
        super().__init__(f"{reason}\n{tail}" if tail else reason)


@attrs.frozen(kw_only=True)
class Machine:
    """The machine that the tests run on.

    Attributes:
        may_install: Whether packages may be installed, daemons started, and images put into engines' stores.
        cache: What is slow to make and stays between runs: base images, compiled engines, logs, locks.
        environ: The environment that the tests were started with; tests themselves see an isolated one.
        tell: Shows a line at once, also while output is captured.
    """

    may_install: bool
    cache: Path
    environ: Mapping[str, str] = attrs.field(repr=False)
    tell: Callable[[str], None] = attrs.field(repr=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], tell: Callable[[str], None]) -> Machine:
        """Read ``COG_TEST_ENGINES`` and ``COG_TEST_CACHE``.

        Raises:
            ValueError: ``COG_TEST_ENGINES`` holds something else than ``install`` or nothing.
        """
        asked = environ.get(VARIABLE, "")
        if asked not in {"", "install"}:
            raise ValueError(f"{VARIABLE} is {asked!r}; it may be 'install' or unset")
        return cls(may_install=bool(asked), cache=_cache_folder(environ), environ=dict(environ), tell=tell)

    @property
    def is_debian_root(self) -> bool:
        """Whether apt-get can be used at all: Debian (not a relative with other packages), as root."""
        return os.geteuid() == 0 and os_release().get("ID") == "debian"

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        timeout: float = 120,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
    ) -> str:
        """Run a program with the real environment and return its standard output.

        Raises:
            Broken: It is missing, failed, or took longer than ``timeout`` seconds; with the end of its output.
        """
        done = self.attempt(argv, timeout=timeout, environ=environ, cwd=cwd, stdin=stdin)
        if done.returncode:
            shown = " ".join(map(str, argv))
            raise Broken(f"{shown} ended with status {done.returncode}", done.stdout + done.stderr)
        return done.stdout

    def attempt(
        self,
        argv: Sequence[str | Path],
        *,
        timeout: float = 120,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program like :meth:`run`; a failure is a status, also when it is missing (127) or slow (124)."""
        environ = {**self.environ, **(environ or {})}
        try:
            return subprocess.run(
                argv,
                check=False,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                env=environ,
                cwd=cwd,
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            return subprocess.CompletedProcess(argv, 127, "", str(error))
        except subprocess.TimeoutExpired as error:
            said = (error.stderr or b"").decode(errors="replace") if isinstance(error.stderr, bytes) else ""
            return subprocess.CompletedProcess(argv, 124, "", f"{said}\nno end after {timeout:g} s")

    def folder(self, name: str) -> Path:
        """Return a folder of the cache, made if need be."""
        path = self.cache / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Keep other test runs on this machine from doing the same at the same time."""
        with (self.folder("locks") / name).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.tell(f"waiting for another test run that works on {name}")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def os_release() -> dict[str, str]:
    """Return the fields of ``/etc/os-release`` (freedesktop.org, os-release(5)); nothing where there is none."""
    with contextlib.suppress(OSError):
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
        return {key: value.strip("'\"") for key, found, value in (line.partition("=") for line in lines) if found}
    return {}


def _cache_folder(environ: Mapping[str, str]) -> Path:
    if chosen := environ.get("COG_TEST_CACHE"):
        return Path(chosen).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/cog-tests")
    return Path(environ.get("HOME", "~")).expanduser() / ".cache" / "cog-tests"
