"""podman as an ordinary user, for test runs that are root themselves."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.engines import apt
from tests.engines.podman import Podman

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME: Final = "cog-tests"
_SUBORDINATES: Final = Path("/etc/subuid")


class Rootless(Podman):
    """podman, a user with subordinate ids, and what gives such a user a network."""

    name = "podman-rootless"
    how = f"install podman, buildah, uidmap and slirp4netns, and make a user {_NAME} with subordinate ids"
    programs = ("podman", "buildah", "newuidmap", "slirp4netns", "setpriv")
    packages = (*Podman.packages, "slirp4netns", "util-linux")

    def present(self) -> bool:
        return super().present() and self.user() is not None

    def why_not(self) -> str | None:
        if os.geteuid():
            return "an ordinary user is taken by root only; podman's own tests do it for the user who runs them"
        missing = self.missing()
        if missing:
            return f"not installed: {', '.join(missing)}"
        if self.user() is None:
            return f"there is no user {_NAME} with subordinate ids"
        done = self.machine.attempt((*self.argv(), "podman", "info"), environ=self.environ(), timeout=60)
        return f"podman info: {done.stderr.strip()}" if done.returncode else None

    def install(self) -> None:
        apt.install(self.machine, *self.packages)
        self.make_user()

    def make_user(self) -> None:
        """Make the user, unless it is there."""
        with self.machine.lock(_NAME):
            if self.user() is None:
                self.machine.run(("useradd", "--create-home", _NAME))

    def user(self) -> pwd.struct_passwd | None:
        """Return the user, if it has subordinate ids."""
        lines = _SUBORDINATES.read_text("utf-8").splitlines() if _SUBORDINATES.exists() else []
        if not any(line.startswith(f"{_NAME}:") for line in lines):
            return None
        return next((user for user in pwd.getpwall() if user.pw_name == _NAME), None)

    def argv(self) -> tuple[str, ...]:
        """Return the words that start a program as the user."""
        user = self.user()
        assert user
        return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups")

    def environ(self) -> dict[str, str]:
        """Return the user's own variables, with folders that are there."""
        user = self.user()
        assert user
        runtime = Path(f"/run/user/{user.pw_uid}")
        if not runtime.exists():
            runtime.mkdir(parents=True, mode=0o700)
            os.chown(runtime, user.pw_uid, user.pw_gid)
        return {"HOME": user.pw_dir, "USER": user.pw_name, "XDG_RUNTIME_DIR": str(runtime)}

    def variables(self) -> Mapping[str, str]:
        """Return the whole environment for a program of the user's."""
        return {**self.environ(), "PATH": self.machine.environ.get("PATH", ""), "LANG": "C.UTF-8"}
