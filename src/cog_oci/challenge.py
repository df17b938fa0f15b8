"""What a registry asks of those who want in (RFC 9110, section 11.6.1, ``WWW-Authenticate``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  a grammar's word
_PARAMETER = re.compile(rf'({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))')
_SCHEME = re.compile(rf"({_TOKEN})(?:\s+|\s*$|\s*,)")
_LONGEST = 8192


@attrs.frozen(kw_only=True)
class Challenge(Frozen):
    """One way to say who we are; the scheme and the parameters' names are in lower case."""

    scheme: str
    parameters: Mapping[str, str] = attrs.field(factory=dict)


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Return all challenges of an answer; what cannot be understood is left out."""
    found: list[Challenge] = []
    for header in headers:
        text, position = header[:_LONGEST], 0
        while position < len(text):
            if (parameter := _PARAMETER.match(text, position)) and found:
                name, quoted, plain = parameter.groups()
                value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                found[-1] = attrs.evolve(found[-1], parameters={**found[-1].parameters, name.lower(): value})
                position = parameter.end()
            elif scheme := _SCHEME.match(text, position):
                found.append(Challenge(scheme=scheme.group(1).lower()))
                position = scheme.end()
            else:
                position += 1
    return tuple(found)
