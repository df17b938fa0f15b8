"""What the scripts of some basic packages would do: those that compile, ask the kernel, or run their own programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cog_oci.entries import Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cog_backends.oci.debian.tree import Tree

_BUNDLE: Final = "/etc/ssl/certs/ca-certificates.crt"
_AUTHORITIES: Final = "usr/share/ca-certificates"
_PAM: Final = {
    "account": ("account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so", ""),
    "auth": ("auth\t[success=1 default=ignore]\tpam_unix.so nullok", ""),
    "password": ("password\t[success=1 default=ignore]\tpam_unix.so obscure yescrypt", ""),
    "session": ("session\t[default=1]\tpam_permit.so", "session\trequired\tpam_unix.so"),
    "session-noninteractive": ("session\t[default=1]\tpam_permit.so", "session\trequired\tpam_unix.so"),
}
"""The lines of the profile ``unix``, which is enabled by default (pam-auth-update(8))."""
_PAM_PRIMARY: Final = re.compile(r"^\$\w+_primary$", re.MULTILINE)
_PAM_ADDITIONAL: Final = re.compile(r"^\$\w+_additional$", re.MULTILINE)

_COMPILING: Final = re.compile(
    r"(?:lib)?python3\.\d+(?:-minimal|-stdlib|-venv)?|python3-(?:lib2to3|distutils|tk|gdbm)"
)
"""Packages whose scripts do no more than to compile Python files and to make the folder for local packages."""


def _nothing(_: Tree) -> None:
    pass


def _passwords(tree: Tree) -> None:
    for name in ("passwd", "group"):
        if tree.get(f"etc/{name}") is None:
            tree.write(f"etc/{name}", tree.read(f"usr/share/base-passwd/{name}.master"), mode=0o644)


def _time_zone(tree: Tree) -> None:
    tree.link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
    tree.write("etc/timezone", b"Etc/UTC\n")


def _authorities(tree: Tree) -> None:
    """Make the bundle of certificate authorities, and link it where OpenSSL looks without a configuration."""
    paths = [entry.path for entry in tree.under(_AUTHORITIES) if entry.path.endswith(".crt")]
    tree.write("etc/ca-certificates.conf", "".join(f"{path[len(_AUTHORITIES) + 1 :]}\n" for path in paths).encode())
    for path in paths:
        name = path.rpartition("/")[2].removesuffix(".crt")
        tree.link(f"etc/ssl/certs/{name}.pem", f"/{path}")
    bundle = b"".join(tree.read(path).rstrip(b"\n") + b"\n" for path in paths)
    tree.write(_BUNDLE, bundle, mode=0o644)
    tree.make_folder("usr/local/share/ca-certificates")
    tree.make_folder("usr/lib/ssl")
    tree.link("usr/lib/ssl/cert.pem", _BUNDLE)


def _name_service(tree: Tree) -> None:
    if tree.get("etc/nsswitch.conf") is None:
        tree.write("etc/nsswitch.conf", tree.read("usr/share/libc-bin/nsswitch.conf"), mode=0o644)


def _pam(tree: Tree) -> None:
    for name, (primary, additional) in _PAM.items():
        template = tree.read(f"usr/share/pam/common-{name}").decode("utf-8", "replace")
        text = _PAM_ADDITIONAL.sub(additional, _PAM_PRIMARY.sub(primary, template))
        if tree.get(f"etc/pam.d/common-{name}") is None:
            tree.write(f"etc/pam.d/common-{name}", text.encode(), mode=0o644)


def _shell(tree: Tree) -> None:
    if tree.get("usr/bin/sh") is None:
        tree.put(Entry(path="usr/bin/sh", kind=Kind.SYMLINK, mode=0o777, target="dash"))


def _python(tree: Tree) -> None:
    for folder in tree.names("usr/lib"):
        if re.fullmatch(r"python3\.\d+", folder):
            tree.make_folder(f"usr/local/lib/{folder}/dist-packages")


BY_HAND: Final[Mapping[str, Callable[[Tree], None]]] = {
    "base-passwd": _passwords,
    "ca-certificates": _authorities,
    "dash": _shell,
    "libc-bin": _name_service,
    "libpam-runtime": _pam,
    "tzdata": _time_zone,
    # Their scripts are about upgrades, services that run, or a machine that boots.
    **dict.fromkeys(("libc6", "libpam0g", "libpam-modules", "debconf", "dpkg", "usr-is-merged"), _nothing),
    # Without its list of loaders gdk-pixbuf still reads what it was built for: PNG and JPEG.
    "libgdk-pixbuf-2.0-0": _nothing,
    **dict.fromkeys(("usrmerge", "perl-base", "bash", "init-system-helpers", "e2fsprogs"), _nothing),
}
"""What to do instead of running the scripts of a package, by the package's name."""


def by_hand(package: str) -> Callable[[Tree], None] | None:
    """Return what to do instead of running the scripts of a package; None: read them."""
    return _python if _COMPILING.fullmatch(package) else BY_HAND.get(package)
