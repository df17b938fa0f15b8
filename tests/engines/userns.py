"""User namespaces without privileges: what daemonless sandboxes stand on."""

from __future__ import annotations

import os

from tests.engines.engine import Engine

_NOBODY = 65534


class UserNamespaces(Engine):
    """The kernel's permission for an ordinary user to make user and mount namespaces."""

    name = "userns"
    how = (
        "allow unprivileged user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone or "
        "kernel.apparmor_restrict_unprivileged_userns, by kernel)"
    )

    def present(self) -> bool:
        return self.why_not() is None

    def why_not(self) -> str | None:
        lower = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
        argv = ("unshare", "--user", "--map-root-user", "--mount", "true")
        done = self.machine.attempt((*(lower if os.geteuid() == 0 else ()), *argv), timeout=10)
        return f"an ordinary user may not make user namespaces: {done.stderr.strip()}" if done.returncode else None
