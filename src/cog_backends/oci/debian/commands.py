"""Debian's own programs that maintainer scripts call (Debian policy 6, 9.3 and 10.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cog_backends.oci.debian import database
from cog_backends.oci.debian.alternatives import update_alternatives
from cog_backends.oci.debian.diversions import dpkg_divert
from cog_backends.oci.debian.sh.builtins import BUILTINS
from cog_backends.oci.debian.sh.files import FILE_PROGRAMS
from cog_backends.oci.debian.sh.filters import FILTERS
from cog_backends.oci.debian.sh.syntax import Unreadable
from cog_backends.oci.debian.stanzas import read_stanzas
from cog_backends.oci.debian.users import USER_PROGRAMS
from cog_backends.oci.debian.versions import satisfies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_backends.oci.debian.sh.run import Program, Shell, Streams

_OPERATORS: Final = {"lt": "<<", "le": "<=", "eq": "=", "ge": ">=", "gt": ">>"}
_WITHOUT_EFFECT: Final = (
    # Services, devices and boot: nothing of it runs in a container.
    *("systemctl", "systemd-tmpfiles", "systemd-sysusers", "systemd-machine-id-setup", "deb-systemd-helper"),
    *("deb-systemd-invoke", "invoke-rc.d", "update-rc.d", "udevadm", "update-initramfs", "sysctl", "journalctl"),
    *(
        "telinit",
        "update-binfmts",
        "restorecon",
        "setcap",
        "getcap",
        "dbus-uuidgen",
        "pam-auth-update",
        "selinux_compile_fcontexts",
        "dpkg-trigger",
        "ldconfig",
        "sync",
        "sleep",
        "ucfr",
    ),
    # Old versions: there are none in a fresh installation.
    *("dpkg-maintscript-helper", "rm_conffile"),
    # Caches: the programs that read them do without.
    *("py3compile", "py3clean", "pycompile", "fc-cache", "update-mime-database", "gtk-update-icon-cache"),
    *("update-icon-caches", "glib-compile-schemas", "gio-querymodules", "gdk-pixbuf-query-loaders", "update-mime"),
    *("gtk-query-immodules-3.0", "update-desktop-database", "update-menus", "install-info", "mandb", "appstreamcli"),
)


def _without_effect(_: Shell, __: list[str], ___: Streams) -> int:
    return 0


def _dpkg(shell: Shell, arguments: list[str], streams: Streams) -> int:
    match arguments:
        case ["--compare-versions", left, operator, right]:
            return int(not _compare(left, operator, right))
        case ["--print-architecture"]:
            streams.write(f"{shell.value('DPKG_MAINTSCRIPT_ARCH')}\n")
            return 0
        case ["-L" | "--listfiles", name]:
            return _list_files(shell, name, streams)
        case ["-s" | "--status", *names]:
            return _status(shell, names, streams)
        case ["--validate-version" | "--assert-multi-arch" | "--assert-support-predepends", *_]:
            return 0
        case _:
            raise Unreadable(f"runs dpkg {' '.join(arguments[:1])}", shell.line)


def _compare(left: str, operator: str, right: str) -> bool:
    """Compare as dpkg(1) does: an empty version is before all others, with ``-nl`` behind all others."""
    base = operator.removesuffix("-nl")
    if base in _OPERATORS.values() or base in {"<", ">"}:
        return satisfies(left or "0~~~", base, right or "0~~~")
    if base not in _OPERATORS:
        raise Unreadable(f"compares versions with {operator}")
    filler = "99999999:0" if operator != base else "0~~~"
    return satisfies(left or filler, _OPERATORS[base], right or filler)


def _list_files(shell: Shell, name: str, streams: Streams) -> int:
    stem = f"{database.FOLDER}/info/{name}"
    architecture = shell.value("DPKG_MAINTSCRIPT_ARCH")
    for path in (f"{stem}.list", f"{stem}:{architecture}.list"):
        if shell.tree.get(path) is not None:
            streams.write(shell.tree.read(path).decode("utf-8", "surrogateescape"))
            return 0
    return 1


def _status(shell: Shell, names: list[str], streams: Streams) -> int:
    status = shell.tree.read(database.STATUS).decode("utf-8", "replace")
    found = [stanza for stanza in read_stanzas(status.splitlines()) if stanza["Package"] in names]
    for stanza in found:
        streams.write("".join(f"{name}: {stanza[name]}\n" for name in ("Package", "Status", "Version")))
    return int(len(found) < len(names))


def _dpkg_query(shell: Shell, arguments: list[str], streams: Streams) -> int:
    if arguments[:1] in (["-s"], ["--status"]):
        return _status(shell, arguments[1:], streams)
    if arguments[:1] in (["-L"], ["--listfiles"]):
        return _list_files(shell, arguments[1], streams)
    if arguments[:1] in (["-W"], ["--show"], ["-l"], ["--list"]) and not _is_any_installed(shell, arguments[1:]):
        return 1
    raise Unreadable("asks dpkg-query", shell.line)


def _is_any_installed(shell: Shell, arguments: list[str]) -> bool:
    names = {word.partition(":")[0] for word in arguments if not word.startswith("-")}
    return not names.isdisjoint(database.installed(shell.tree)) or any("*" in name for name in names)


def _dpkg_statoverride(shell: Shell, arguments: list[str], streams: Streams) -> int:
    path = f"{database.FOLDER}/statoverride"
    words = [word for word in arguments if word not in {"--update", "--quiet", "--force", "--force-all"}]
    lines = shell.tree.read(path).decode().splitlines()
    match words:
        case ["--list", *patterns]:
            found = [line for line in lines if not patterns or line.split()[-1] == patterns[0]]
            streams.write("".join(f"{line}\n" for line in found))
            return int(not found)
        case ["--add", user, group, mode, file]:
            if "--update" in arguments and shell.tree.get(file) is not None:
                shell.call("chown", [f"{user.lstrip('#')}:{group.lstrip('#')}", file], streams)
                shell.call("chmod", [mode, file], streams)
            shell.tree.write(path, "".join(f"{line}\n" for line in [*lines, " ".join(words[1:])]).encode())
            return 0
        case _:
            raise Unreadable("runs dpkg-statoverride", shell.line)


def _update_shells(shell: Shell, _: list[str], __: Streams) -> int:
    """Write /etc/shells from what packages declare, each path also without ``/usr`` (update-shells(8))."""
    folder = "/usr/share/debianutils/shells.d"
    names = shell.tree.names(folder) if shell.tree.is_folder(folder) else ()
    declared = [line for name in names for line in shell.tree.read(f"{folder}/{name}").decode().split()]
    before = shell.tree.read("/etc/shells").decode().splitlines()
    both = [
        path
        for shown in declared
        for path in (shown, shown.removeprefix("/usr"), f"/usr{shown.removeprefix('/usr')}")
    ]
    shell.tree.write("/etc/shells", "".join(f"{line}\n" for line in dict.fromkeys([*before, *both])).encode())
    return 0


def _add_shell(shell: Shell, arguments: list[str], _: Streams) -> int:
    before = shell.tree.read("/etc/shells").decode().splitlines()
    shell.tree.write("/etc/shells", "".join(f"{line}\n" for line in dict.fromkeys([*before, *arguments])).encode())
    return 0


def _db_get(shell: Shell, arguments: list[str], _: Streams) -> int:
    """Answer a question with its default, as debconf does when nobody may be asked (debconf-devel(7))."""
    folder = f"{database.FOLDER}/info"
    package = shell.value("DPKG_MAINTSCRIPT_PACKAGE")
    for stem in (f"{folder}/{package}", f"{folder}/{package}:{shell.value('DPKG_MAINTSCRIPT_ARCH')}"):
        if shell.tree.get(f"{stem}.templates") is not None:
            text = shell.tree.read(f"{stem}.templates").decode("utf-8", "replace")
            for stanza in read_stanzas(text.splitlines()):
                if stanza.get("Template") == arguments[0]:
                    shell.assign("RET", stanza.get("Default", ""))
                    return 0
    raise Unreadable(f"asks {arguments[0]}", shell.line)


def _ucf(shell: Shell, arguments: list[str], _: Streams) -> int:
    """Install a configuration file that is no conffile, when there is none (ucf(1))."""
    *_others, new, path = [word for word in arguments if not word.startswith("--")]
    if shell.tree.get(path) is None:
        shell.tree.write(path, shell.tree.read(shell.path(new)), mode=0o644)
    return 0


def _uname(_: Shell, arguments: list[str], streams: Streams) -> int:
    if arguments not in ([], ["-s"]):
        raise Unreadable("asks about the machine with uname")
    streams.write("Linux\n")
    return 0


def _debian() -> Mapping[str, Program]:
    return {
        "dpkg": _dpkg,
        "dpkg-query": _dpkg_query,
        "dpkg-divert": dpkg_divert,
        "dpkg-statoverride": _dpkg_statoverride,
        "update-alternatives": update_alternatives,
        "update-shells": _update_shells,
        "add-shell": _add_shell,
        "db_get": _db_get,
        "ucf": _ucf,
        "uname": _uname,
        "ischroot": _without_effect,
        **dict.fromkeys(
            ("db_version", "db_input", "db_go", "db_stop", "db_capb", "db_title", "db_purge"), _without_effect
        ),
        **dict.fromkeys(("db_set", "db_fset", "db_reset", "db_subst", "db_settitle"), _without_effect),
        **dict.fromkeys(_WITHOUT_EFFECT, _without_effect),
    }


PROGRAMS: Final[Mapping[str, Program]] = {**BUILTINS, **FILE_PROGRAMS, **FILTERS, **USER_PROGRAMS, **_debian()}
"""Every command that is understood, by name."""
