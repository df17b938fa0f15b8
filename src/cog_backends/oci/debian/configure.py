"""Puts packages into a tree: their files, their entries in the database, and what their scripts would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.oci.debian.by_hand import by_hand
from cog_backends.oci.debian.commands import PROGRAMS
from cog_backends.oci.debian.database import record
from cog_backends.oci.debian.diversions import diversions
from cog_backends.oci.debian.ldcache import write_ld_cache
from cog_backends.oci.debian.sh.run import Shell, Streams
from cog_backends.oci.debian.sh.syntax import Unreadable
from cog_backends.oci.debian.tree import TreeError
from cog_core.errors import UnsupportedPlan
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cog_backends.oci.debian.tree import Tree
    from cog_backends.oci.debian.unpack import Unpacked

_SHELLS: Final = ("/bin/sh", "/bin/dash", "/bin/bash")


@attrs.frozen
class _Unclear(Frozen):
    """A script whose effect is not known, or an archive that cannot be unpacked."""

    package: str
    script: str
    reason: str

    def __str__(self) -> str:
        return f"package {self.package}: its {self.script} {self.reason}"


def add_packages(tree: Tree, unpacked: Sequence[Unpacked], architecture: str) -> None:
    """Install packages into a tree without running anything.

    Args:
        tree: Has a dpkg database.
        unpacked: Each behind those that it depends on.
        architecture: Debian's name.

    Raises:
        UnsupportedPlan: Scripts that are not understood; all of them at once. The tree is half done then.
    """
    problems = []
    for one in unpacked:
        problems += _run(tree, one, "preinst", ["install"], architecture)
        problems += _put(tree, one)
    record(tree, unpacked)
    # What is done by hand depends on nothing, and scripts need the users and the shell that it brings.
    for one in sorted(unpacked, key=lambda one: by_hand(one.package.name) is None):
        problems += _run(tree, one, "postinst", ["configure", ""], architecture)
    write_ld_cache(tree, architecture)
    if problems:
        raise UnsupportedPlan(
            "\n".join(map(str, problems)),
            hint="Leave these packages out, or build with --backend docker, which runs such scripts.",
        )


def _put(tree: Tree, one: Unpacked) -> list[_Unclear]:
    """Put the files of a package into the tree; a script may have asked for another place of one of them."""
    name = one.package.name
    diverted = {path for path, (_, owner) in diversions(tree).items() if owner != name}
    for path in diverted.intersection(f"/{path}" for path in one.listed):
        return [_Unclear(name, "archive", f"holds {path}, which another package diverts")]
    try:
        for entry in one.entries:
            tree.put(entry)
    except TreeError as error:
        return [_Unclear(name, "archive", f"cannot be unpacked: {error}")]
    return []


def _run(tree: Tree, one: Unpacked, name: str, arguments: list[str], architecture: str) -> list[_Unclear]:
    script = one.text(name)
    if not script:
        return []
    known = by_hand(one.package.name)
    if known is not None:
        if name == "postinst":
            known(tree)
        return []
    try:
        status = _read(tree, one, script, (name, arguments, architecture))
    except Unreadable as error:
        return [_Unclear(one.package.name, name, f"{error.reason}" + f" (line {error.line})" * bool(error.line))]
    return [_Unclear(one.package.name, name, f"ends with status {status}")] if status else []


def _read(tree: Tree, one: Unpacked, script: str, call: tuple[str, list[str], str]) -> int:
    name, arguments, architecture = call
    first, *options = script.partition("\n")[0].removeprefix("#!").split()
    if first not in _SHELLS:
        raise Unreadable(f"is written for {first}")
    variables = {
        "DPKG_MAINTSCRIPT_PACKAGE": one.package.name,
        "DPKG_MAINTSCRIPT_NAME": name,
        "DPKG_MAINTSCRIPT_ARCH": architecture,
        "DEBIAN_FRONTEND": "noninteractive",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    shell = Shell(tree=tree, programs=PROGRAMS, arguments=arguments, variables=variables)
    shell.stops_on_error = any(option.startswith("-") and "e" in option for option in options)
    return shell.run(script, Streams())
