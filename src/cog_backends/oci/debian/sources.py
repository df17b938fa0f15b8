"""Where Debian's archive is reached from this machine: a setting, or what the host's apt uses (sources.list(5))."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.oci.debian.stanzas import read_stanzas
from cog_core.errors import UsageError
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cog_core.settings import Settings

_CODENAMES: Final = ("buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid")
_CLASSES: Final = ("oldoldstable", "oldstable", "stable", "testing", "unstable")
_SUITE = re.compile(rf"(?:{'|'.join(_CODENAMES + _CLASSES)})(-updates|-security|/updates)?")
_SCHEMES: Final = ("http://", "https://")
_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<rest>.+)")
_NONE_ROLLING: Final = "sid"


@attrs.frozen(kw_only=True)
class Source(Frozen):
    """An archive of packages that apt is told to use: one address and one suite.

    Attributes:
        uri: Address without a trailing slash; it may hold credentials, so it is not shown.
        suite: Such as ``bookworm-updates``.
        components: Such as ``main``.
    """

    uri: str = attrs.field(repr=False)
    suite: str
    components: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Mirror(Frozen):
    """Where one Debian archive and its companions are.

    Attributes:
        archive: Address that has ``dists/`` and ``pool/``; it may hold credentials, so it is not shown.
        updates: Address for ``SUITE-updates``, when that suite is wanted.
        security: Address for ``SUITE-security``, when that suite is wanted.
    """

    archive: str = attrs.field(repr=False)
    updates: str | None = attrs.field(default=None, repr=False)
    security: str | None = attrs.field(default=None, repr=False)

    def suites(self, codename: str) -> tuple[tuple[str, str], ...]:
        """Return pairs of address and suite that make up a release of Debian; the first one must exist."""
        pairs = [(self.archive, codename)]
        if codename != _NONE_ROLLING:
            pairs += [(self.updates, f"{codename}-updates")] if self.updates else []
            pairs += [(self.security, f"{codename}-security")] if self.security else []
        return tuple(pairs)


def find_mirrors(settings: Settings, *, root: Path) -> tuple[Mirror, ...]:
    """Return the mirrors that may be asked, in order of preference; none when this machine knows no Debian mirror.

    Args:
        settings: A mirror asked for there is the only one.
        root: Root folder of the machine whose apt configuration is read, normally ``/``.

    Raises:
        UsageError: The mirror in the settings is no address.
    """
    if settings.debian_mirror:
        return (_chosen_mirror(settings.debian_mirror),)
    if _distribution(root) != "debian":
        return ()
    return mirrors_of(tuple(read_sources(root)))


def _chosen_mirror(uri: str) -> Mirror:
    if not uri.startswith(_SCHEMES):
        raise UsageError(
            "COG_DEBIAN_MIRROR is not an http or https address",
            hint="Write it as in sources.list, with the path that has dists/ and pool/.",
        )
    uri = uri.rstrip("/")
    # Every Debian mirror that carries security updates keeps them in a sibling of the archive.
    security = f"{uri}-security" if uri.endswith("/debian") else None
    return Mirror(archive=uri, updates=uri, security=security)


def mirrors_of(sources: tuple[Source, ...]) -> tuple[Mirror, ...]:
    """Sort sources into mirrors: each archive address with the first updates and security addresses there are."""
    by_kind: dict[str, list[str]] = {"": [], "-updates": [], "-security": []}
    for source in sources:
        match = _SUITE.fullmatch(source.suite)
        if match is not None and "main" in source.components:
            kind = "-security" if match[1] == "/updates" else match[1] or ""
            by_kind[kind] += [] if source.uri in by_kind[kind] else [source.uri]
    updates, security = (next(iter(by_kind[kind]), None) for kind in ("-updates", "-security"))
    return tuple(Mirror(archive=uri, updates=updates, security=security) for uri in by_kind[""])


def _distribution(root: Path) -> str:
    for name in ("etc/os-release", "usr/lib/os-release"):
        try:
            text = (root / name).read_text("utf-8", "replace")
        except OSError:
            continue
        match = re.search(r"^ID=[\"']?([a-z0-9._-]+)", text, re.MULTILINE)
        return match[1] if match else ""
    return ""


def read_sources(root: Path) -> Iterator[Source]:
    """Yield the sources below ``root``/etc/apt that are enabled and reached by HTTP, in apt's order."""
    folder = root / "etc/apt/sources.list.d"
    parts = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in (root / "etc/apt/sources.list", *parts):
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue
        if path.suffix == ".list":
            yield from parse_one_line_sources(text)
        elif path.suffix == ".sources":
            yield from parse_deb822_sources(text)


def parse_one_line_sources(text: str) -> Iterator[Source]:
    """Yield the sources of a file whose lines read ``deb [options] URI suite component...``."""
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match is None:
            continue
        try:
            uri, suite, *components = shlex.split(match["rest"])
        except ValueError:
            continue
        yield from _sources([uri], [suite], components)


def parse_deb822_sources(text: str) -> Iterator[Source]:
    """Yield the sources of a file of ``Field: value`` paragraphs."""
    for stanza in read_stanzas(text.splitlines()):
        fields = {name.lower(): value.split() for name, value in stanza.items()}
        is_enabled = " ".join(fields.get("enabled", ["yes"])).lower() not in {"no", "false", "0", "off", "without"}
        if is_enabled and "deb" in fields.get("types", []):
            yield from _sources(fields.get("uris", []), fields.get("suites", []), fields.get("components", []))


def _sources(uris: list[str], suites: list[str], components: list[str]) -> Iterator[Source]:
    for uri in uris:
        if uri.lower().startswith(_SCHEMES):
            for suite in suites:
                yield Source(uri=uri.rstrip("/"), suite=suite, components=tuple(components))
