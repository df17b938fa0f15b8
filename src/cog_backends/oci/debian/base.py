"""The base of an image, made of Debian packages: a small Debian with its own Python."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.oci.debian import database
from cog_backends.oci.debian.archive import Archive, open_archive
from cog_backends.oci.debian.configure import add_packages
from cog_backends.oci.debian.fetch import shown
from cog_backends.oci.debian.resolve import resolve
from cog_backends.oci.debian.tree import Tree
from cog_backends.oci.debian.unpack import LEFT_OUT, unpack_all
from cog_core.errors import ResolveError, UnsupportedPlan
from cog_core.values import EPOCH, PythonLayout, PythonVersion
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cog_backends.oci.debian.doors import Doors
    from cog_backends.oci.debian.package import Package
    from cog_backends.oci.debian.sources import Mirror
    from cog_core.values import Platform
    from cog_oci.entries import Entry

CODENAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "3.11": ("bookworm",),
    "3.13": ("trixie",),
    "3.14": ("forky", "sid"),
}
"""Releases of Debian by the Python that they have, the preferred one first."""

FORMAT: Final = 1
"""Counts changes of what is made of the same packages."""

_WANTED: Final = (
    *("apt", "ca-certificates", "libstdc++6", "media-types", "netbase", "tzdata"),
    *("python3", "python3-pip", "python3-setuptools"),
)
_ARCHITECTURES: Final = ("amd64", "arm64")
_MERGED: Final = ("bin", "lib", "sbin")
_MERGED_64: Final = ("lib64",)
_EMPTY: Final = (*("boot", "dev", "home", "proc", "root", "run", "sys", "tmp"),)
_VERSION: Final = re.compile(r"(?:\d+:)?(\d+\.\d+\.\d+)")
_KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"


@attrs.frozen(kw_only=True)
class BasePlan(Frozen):
    """Which packages a base consists of; cheap to know.

    Attributes:
        codename: Release of Debian.
        architecture: Debian's name of the processor.
        packages: Each behind those that it depends on.
        suites: Pairs of address and suite that the packages come from, without credentials.
        layout: Where its Python is.
        key: Equal keys mean equal files.
        mirrors: Where more packages of this release are.
    """

    codename: str
    architecture: str
    packages: tuple[Package, ...] = attrs.field(repr=False)
    suites: tuple[tuple[str, str], ...]
    layout: PythonLayout
    key: str
    mirrors: tuple[Mirror, ...] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class DebianBase(Frozen):
    """A base.

    Attributes:
        plan: What it consists of.
        entries: The whole root file system, in the order of paths.
    """

    plan: BasePlan
    entries: tuple[Entry, ...] = attrs.field(repr=False)

    @property
    def layout(self) -> PythonLayout:
        """Where its Python is."""
        return self.plan.layout

    @property
    def key(self) -> str:
        """Equal keys mean equal files."""
        return self.plan.key


def prepare_base(
    python: PythonVersion, platform: Platform, *, mirrors: tuple[Mirror, ...], doors: Doors
) -> DebianBase:
    """Choose the packages of a base and lay them out; arguments and errors as of the two steps."""
    return lay_out(plan_base(python, platform, mirrors=mirrors, doors=doors), doors)


def plan_base(python: PythonVersion, platform: Platform, *, mirrors: tuple[Mirror, ...], doors: Doors) -> BasePlan:
    """Choose the packages of a base.

    Args:
        python: Its series decides; Debian has one patch level of each.
        platform: What the image will run on.
        mirrors: Where Debian is, as :func:`~cog_backends.oci.debian.sources.find_mirrors` says.
        doors: Cache, network, programs.

    Raises:
        ResolveError: No release of Debian has this Python, or this machine knows no mirror.
        UnsupportedPlan: Debian packages are not used for this platform.
        BackendError: The mirrors do not have it, cannot be reached, or are not to be trusted.
    """
    if platform.os != "linux" or platform.architecture not in _ARCHITECTURES:
        raise UnsupportedPlan(
            f"no base can be made of Debian packages for {platform}", hint="Build for linux/amd64 or linux/arm64."
        )
    archive, packages = _find(python, platform.architecture, mirrors, doors)
    layout = _layout(python, packages, doors)
    suites = tuple((shown(site), suite) for site, suite in archive.suites)
    return BasePlan(
        codename=archive.codename,
        architecture=platform.architecture,
        packages=packages,
        suites=suites,
        layout=layout,
        key=key_of(packages, f"base {FORMAT} {platform.architecture} {suites}"),
        mirrors=mirrors,
    )


def _find(
    python: PythonVersion, architecture: str, mirrors: tuple[Mirror, ...], doors: Doors
) -> tuple[Archive, tuple[Package, ...]]:
    """Return the first release whose Python it is, closed, and the packages of a base from it."""
    if python.series not in CODENAMES:
        raise ResolveError(
            f"Debian has no Python {python}",
            hint=f"Without a registry for a base image, choose Python {', '.join(CODENAMES)}.",
        )
    if not mirrors:
        raise ResolveError(
            "this machine knows no Debian mirror to make a base image from",
            hint="Set COG_DEBIAN_MIRROR to the address of one, or COG_BASE_IMAGE to an image.",
        )
    for codename in CODENAMES[python.series]:
        with open_archive(mirrors, codename, architecture, doors) as archive:
            packages = _choose(archive)
        if any(package.name == f"python{python.series}" for package in packages):
            return archive, packages
    raise ResolveError(
        f"Debian {' and '.join(CODENAMES[python.series])} at this mirror have another Python than {python}",
        hint="Choose another Python version, or set COG_BASE_IMAGE to an image that has it.",
    )


def _choose(archive: Archive) -> tuple[Package, ...]:
    # Of the two packages that bookworm's init-system-helpers is content with, the one without Perl (policy 9.1).
    merged = ("usr-is-merged",) if archive.candidate("usr-is-merged") else ()
    return resolve((*merged, *archive.required(), *_WANTED), archive, {})


def _layout(python: PythonVersion, packages: Iterable[Package], doors: Doors) -> PythonLayout:
    version = next(package.version for package in packages if package.name == f"python{python.series}")
    match = _VERSION.match(version)
    found = PythonVersion.parse(match[1]) if match else PythonVersion(python.major, python.minor)
    if python.patch is not None and python.patch != found.patch:
        doors.note(f"Python {python} was asked for, Debian has {found}")
    return PythonLayout(
        version=found,
        interpreter=f"/usr/local/bin/python{python.series}",
        purelib=f"/usr/local/lib/python{python.series}/dist-packages",
    )


def key_of(packages: Iterable[Package], more: str) -> str:
    """Return a checksum of packages and of what else decides."""
    lines = sorted(f"{package.name}={package.version}:{package.architecture}" for package in packages)
    return hashlib.sha256("\n".join([more, *lines]).encode()).hexdigest()


def lay_out(plan: BasePlan, doors: Doors) -> DebianBase:
    """Make the file system that a plan describes.

    Raises:
        BackendError: A package cannot be had, or is damaged, or one of its scripts is not understood.
    """
    unpacked = unpack_all(plan.packages, doors)
    tree = Tree(mtime=EPOCH)
    _make_roots(tree, plan.architecture)
    database.make_database(tree, plan.architecture)
    add_packages(tree, unpacked, plan.architecture)
    _finish_python(tree, plan.layout)
    _configure_apt(tree, plan)
    return DebianBase(plan=plan, entries=tuple(tree))


def _make_roots(tree: Tree, architecture: str) -> None:
    """Make what has to be there before the first package: /usr with the links to it, and places to mount things."""
    for name in (*_MERGED, *(_MERGED_64 if architecture == "amd64" else ())):
        tree.make_folder(f"usr/{name}")
        tree.link(name, f"usr/{name}")
    for name in _EMPTY:
        tree.make_folder(name, mode={"root": 0o700, "tmp": 0o1777}.get(name, 0o755))
    tree.make_folder("var/tmp", mode=0o1777)
    # Some packages link into these folders and fail when a slimmed image has lost them.
    for number in range(1, 9):
        tree.make_folder(f"usr/share/man/man{number}")


def _finish_python(tree: Tree, layout: PythonLayout) -> None:
    series = layout.version.series
    for name in ("python", "python3", f"python{series}"):
        tree.link(f"usr/local/bin/{name}", f"/usr/bin/python{series}")
    tree.remove(f"usr/lib/python{series}/EXTERNALLY-MANAGED")


def _configure_apt(tree: Tree, plan: BasePlan) -> None:
    """Name the archive that the packages come from, and leave out of later packages what is left out of these."""
    paragraphs = [
        f"Types: deb\nURIs: {site}\nSuites: {suite}\nComponents: main\nSigned-By: {_KEYRING}\n"
        for site, suite in plan.suites
    ]
    tree.write("etc/apt/sources.list.d/debian.sources", "\n".join(paragraphs).encode())
    rules = "".join(f"path-exclude=/usr/share/{name}/*\n" for name in LEFT_OUT)
    tree.write(
        "etc/dpkg/dpkg.cfg.d/slim",
        f"{rules}path-include=/usr/share/doc/*/copyright\npath-include=/usr/share/locale/locale.alias\n".encode(),
    )
