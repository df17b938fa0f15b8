"""The author's requirements: what each line asks for, and from where."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import attrs

from cog_core.config.findings import Findings
from cog_core.config.urls import without_credentials
from cog_core.resolve import artifacts
from cog_core.resolve.lines import all_lines
from cog_core.resolve.options import Parsed, parse_options
from cog_core.resolve.resolved import IndexOption, RequirementLine
from cog_core.values import package_name
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cog_core.config import LoadedConfig
    from cog_core.config.files import FileKind
    from cog_core.resolve.facts import RequirementsFile
    from cog_core.resolve.lines import Line

OURS: Final = frozenset({"cog", "coglet"})
"""Packages that every image has from us, whatever the requirements say."""

_VERSION_CONTROL = re.compile(r"(?:git|hg|svn|bzr)\+")
_VARIABLE = re.compile(r"\$\{[A-Za-z0-9_]+\}")
"""pip and uv would put variables of this machine in its place, and so tell them to whatever host a project names."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@attrs.frozen
class Requirements(Frozen):
    """All requirements and index options of a project."""

    lines: tuple[RequirementLine, ...]
    index: tuple[IndexOption, ...]


def read_requirements(lines: Iterable[Line], files: Mapping[str, FileKind], findings: Findings) -> Requirements:
    """Read every line; what is wrong goes to the findings.

    Args:
        lines: Lines of the configuration and of the requirements file.
        files: What stands at each path that :func:`local_paths` returned.
        findings: Gets problems, warnings and notes.
    """
    found: list[RequirementLine] = []
    index: list[IndexOption] = []
    for line in lines:
        if variable := _VARIABLE.search(line.text):
            fact = f"{variable[0]} in a requirement is not filled in"
            findings.problem(fact, line.origin, "Keep credentials in netrc, the keyring, or PIP_EXTRA_INDEX_URL.")
            continue
        parsed = parse_options(line, findings)
        index += parsed.index
        requirement = _requirement(line, parsed, files, findings) if parsed.requirement else None
        if requirement is None:
            continue
        if requirement.name in OURS:
            _drop(requirement, findings)
        else:
            found.append(requirement)
    return Requirements(tuple(found), tuple(dict.fromkeys(index)))


def local_paths(loaded: LoadedConfig, requirements: RequirementsFile | None) -> tuple[str, ...]:
    """Return the paths, relative to the project, of all files that requirements name."""
    paths = []
    for line in all_lines(loaded, requirements):
        text = parse_options(line, Findings()).requirement
        if text and artifacts.is_local(text):
            paths.append(artifacts.path_of(line, text))
    return tuple(dict.fromkeys(paths))


def _requirement(
    line: Line, parsed: Parsed, files: Mapping[str, FileKind], findings: Findings
) -> RequirementLine | None:
    text = parsed.requirement
    if artifacts.is_local(text):
        options = bool(parsed.index or parsed.hashes or parsed.for_build)
        if problem := artifacts.problem_of(line, text, options=options, files=files):
            findings.problem(problem, line.origin)
            return None
        name, path = artifacts.name_of(text), artifacts.path_of(line, text)
        source = not (text.endswith(".whl") and name)
        return RequirementLine(text=text, origin=line.origin, name=name, artifact=path, source=source)
    requirement = (
        _of_url(line, text) if _URL.match(text) or _VERSION_CONTROL.match(text) else _of_name(line, text, findings)
    )
    if requirement is None:
        return None
    if parsed.for_build:
        text = " ".join((requirement.text, *parsed.for_build))
        requirement = attrs.evolve(requirement, text=text, source=True)
    return attrs.evolve(requirement, hashes=parsed.hashes)


def _of_name(line: Line, text: str, findings: Findings) -> RequirementLine | None:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - slow, and many projects have no requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        findings.problem(f'invalid requirement "{without_credentials(text)}"', line.origin, _advice(text))
        return None
    source = requirement.url is not None and _must_be_built(requirement.url)
    return RequirementLine(text=text, origin=line.origin, name=package_name(requirement.name), source=source)


def _of_url(line: Line, text: str) -> RequirementLine:
    """Read a URL without a name in front; the name stands in its fragment or file name, if anywhere."""
    url = text.split(";", 1)[0].strip()
    egg = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", url)
    name = package_name(egg[1]) if egg else artifacts.name_of(unquote(_path(url)))
    return RequirementLine(text=text, origin=line.origin, name=name, source=_must_be_built(url))


def _must_be_built(url: str) -> bool:
    return bool(_VERSION_CONTROL.match(url)) or not _path(url).lower().endswith(".whl")


def _path(url: str) -> str:
    try:
        return urlsplit(url.strip()).path
    except ValueError:  # such as a broken IPv6 address; pip will say so
        return ""


def _advice(text: str) -> str:
    if re.search(r"[^=<>!~]=[^=]", text):
        return "Write two equals signs: name==1.0."
    if re.fullmatch(r"[A-Za-z0-9._-]+(?:\s+[A-Za-z0-9._=<>~!-]+)+", text):
        return "Write one requirement a line, such as name==1.0."
    return "Write it as pip reads it, such as name==1.0 or name>=1.0,<2."


def _drop(requirement: RequirementLine, findings: Findings) -> None:
    line = without_credentials(requirement.text)
    fact = f"'{line}' found in requirements — overriding with the built-in {requirement.name}"
    findings.warn(fact, requirement.origin, "Remove it from the requirements.")
