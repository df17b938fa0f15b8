"""What to tell somebody whose packages do not go together: which line, why, and what would help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cog_core.config.urls import without_credentials
from cog_core.errors import LockError
from cog_core.lock.indices import host_of
from cog_core.values import package_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cog_core.errors import Origin
    from cog_core.lock.target import Target
    from cog_core.resolve import RequirementLine

_NAME = r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
_UNBUILT = re.compile(rf"Wheels are required for `{_NAME}`")
_ABI_TAG = re.compile(r"`cp3(\d+)`")
_UNREACHABLE = re.compile(
    r"Failed to fetch|error sending request|Could not connect|dns error|network was disabled", re.IGNORECASE
)
_REDUNDANT = (
    r",? we can conclude that (?:your|the) requirements are unsatisfiable\.?$",
    r" and only \S+ is available, we can conclude that all versions of \S+ cannot be used\. And because you \S+ \S+$",
    r" and you require \S+$",
)
"""Ends of an explanation that say what everybody knows by then."""
_MOST_CHARACTERS = 600


def unbuilt(text: str) -> tuple[str, ...]:
    """Return the packages of which the resolver found source archives only."""
    return tuple(dict.fromkeys(package_name(name) for name in _UNBUILT.findall(text)))


def may_be_refused(text: str) -> bool:
    """Whether an index that refuses a login could be behind a package that is not found.

    Where all indices count alike, the resolver does not say so.
    """
    return "was not found in the package registry" in _flat(text)


def is_refused(text: str) -> bool:
    """Whether an index refused a login (RFC 9110, 15.5.2 and 15.5.4)."""
    return re.search(r"401 Unauthorized|403 Forbidden", _flat(text)) is not None


def wanted_versions(text: str, name: str) -> str:
    """Return the version specifiers that dependants ask of a package, as far as an explanation tells."""
    found = re.findall(rf"depends? on {re.escape(name)}((?:[<>=!~]=?[0-9][^\s,]*,?)+)", _flat(text))
    return ",".join(dict.fromkeys(part for spec in found for part in spec.strip(",.").split(",")))


def lock_error(text: str, lines: Sequence[RequirementLine], target: Target) -> LockError:
    """Return the error for what the resolver printed.

    Args:
        text: All of its standard error, without secrets.
        lines: The author's requirements.
        target: What was resolved for.
    """
    text = _as_causes(without_credentials(text))
    flat = _flat(text)
    if is_refused(flat):
        return _refused(flat, lines)
    if _UNREACHABLE.search(flat):
        return _unreachable(text, flat)
    concerned = tuple(_concerned(flat, lines))
    places = [str(line.origin) for line in concerned[1:]]
    also = f" (see also {', '.join(places)})" if places else ""
    message = f"no versions of the Python packages go together for {target}: {_explanation(flat)}{also}"
    return LockError(message, hint=_hint(flat, target), origin=_origin(concerned))


def _concerned(flat: str, lines: Sequence[RequirementLine]) -> Iterator[RequirementLine]:
    """Yield the author's lines whose packages an explanation names, in the order in which it does."""
    places = []
    for index, line in enumerate(lines):
        name = re.escape(line.name or "")
        if name and (match := re.search(rf"(?<![\w./-]){name}(?![\w/-])", flat)):
            places.append((match.start(), index))
    for _, index in sorted(places):
        yield lines[index]


def _origin(concerned: tuple[RequirementLine, ...]) -> Origin | None:
    return concerned[0].origin if concerned else None


def _explanation(flat: str) -> str:
    """Return the resolver's reason without what every reason ends with."""
    reason = flat.partition("cause: ")[2] or flat.removeprefix("error: ")
    reason = re.split(r" hint: | warning: ", reason)[0].strip()
    for pattern in _REDUNDANT:
        reason = re.sub(pattern, "", reason).rstrip(".")
    reason = reason.replace(" has no usable wheels", " has no wheels that fit")
    reason = reason.replace("was not found in the package registry", "is not on any index").removeprefix("Because ")
    return reason if len(reason) <= _MOST_CHARACTERS else f"{reason[:_MOST_CHARACTERS]}…"


def _hint(flat: str, target: Target) -> str:
    if "Python ABI tag" in flat.partition("hint: ")[2]:
        found = [f"3.{minor}" for minor in sorted({int(minor) for minor in _ABI_TAG.findall(flat)})]
        possible = [version for version in found if version != target.python.series]
        if possible:
            versions = ", ".join(possible)
            return f"There are wheels for Python {versions}: set build.python_version, or take another version."
    if match := re.search(r"requires Python (\S+)", flat):
        return f"It needs Python {match[1].rstrip('.,')}: set build.python_version, or take another version."
    if match := re.search(r"on the following platforms?: (.+?)(?= hint:|$)", flat):
        return f"There are wheels for {match[1].replace('`', '')} only; take another version or another package."
    if "is not on any index" in flat or "was not found in the package registry" in flat:
        return "Check the name, and name further indices with --extra-index-url in the requirements."
    if "no version" in flat:
        return "Ask for a version that exists, or for a range such as >=1.0."
    return "Loosen the versions of the packages named here."


def _refused(flat: str, lines: Sequence[RequirementLine]) -> LockError:
    match = re.search(r"https?://[^\s)`]+", flat)
    host = host_of(match[0]) if match else ""
    hint = f"Put a login for {host or 'it'} into ~/.netrc, the keyring, or the URL in PIP_EXTRA_INDEX_URL."
    origin = _origin(tuple(_concerned(flat, lines)))
    return LockError(f"the package index {host} refused our login".replace("  ", " "), hint=hint, origin=origin)


def _unreachable(text: str, flat: str) -> LockError:
    match = re.search(r"https?://[^\s)`]+", flat)
    where = f" at {host_of(match[0])}" if match else ""
    causes = [line.strip().removeprefix("cause: ") for line in text.splitlines() if line.strip().startswith("cause:")]
    why = f": {causes[-1]}" if causes else ""
    hint = "Check the network, and the proxy variables HTTPS_PROXY and NO_PROXY."
    if re.search(r"certificate|UnknownIssuer", flat, re.IGNORECASE):
        hint = "If the network has a certificate authority of its own, set COG_CA_CERT to its PEM file."
    return LockError(f"the package index{where} cannot be reached{why}", hint=hint)


def _as_causes(text: str) -> str:
    """Return an explanation in the form of today's resolver; older ones draw a tree."""
    text = re.sub(r"^[\s│]*[├╰]─▶ |^\s*Caused by: ", "  cause: ", text, flags=re.MULTILINE)
    return re.sub(r"^\s*(?:\u00d7|│)\s?", "", text, flags=re.MULTILINE)


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
