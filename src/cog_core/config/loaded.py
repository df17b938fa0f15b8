"""A configuration as it was read: its values, where each of them stands, and what was noticed on the way."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core.config.files import FileKind, kind_of
from cog_core.config.findings import Findings, in_order, shown
from cog_core.config.fit import fit
from cog_core.config.legacy import LEGACY_PYTHON, modernise
from cog_core.config.nodes import Entry, Listing, Node, Scalar, Table, key_positions, positions
from cog_core.config.reader import LARGEST, read_yaml
from cog_core.config.rules import Finding, check
from cog_core.config.weights import check_weights
from cog_core.errors import ConfigInvalid, ConfigNotFound, Origin, Problem
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cog_core.config.model import Config
    from cog_core.events import Noted

DEFAULT_PYTHON: Final = "3.13"
"""Python of an image whose configuration names none."""

_REPLACED = {
    "predict": "run",
    "concurrency.max": "@cog.concurrent(max=...)",
    "build.python_packages": "build.python_requirements",
    "build.pre_install": "build.run",
}
"""Deprecated keys and what to write instead (reference, section 1.5)."""


@attrs.frozen(kw_only=True)
class LoadedConfig(Frozen):
    """A configuration and what is known about its text.

    Attributes:
        config: The values, with defaults put in.
        file: Name of the file, as the user would type it.
        warnings: What should be changed: unknown and deprecated keys.
        notes: What was assumed or translated.
        legacy: The file is of an earlier generation of Cog.
    """

    config: Config
    file: str
    warnings: tuple[Problem, ...] = ()
    notes: tuple[Noted, ...] = ()
    legacy: bool = False
    _positions: Mapping[str, Origin] = attrs.field(factory=dict, repr=False, eq=False, alias="positions")

    def origin(self, key: str = "") -> Origin:
        """Return where a value stands, by its path in today's names, such as ``build.run[2]``.

        Of a single value it is the value's place, of a list or mapping its key's. What is not written has no line.
        """
        return self._positions.get(key) or Origin(file=self.file, key=key)


def parse(text: str, *, file: str = "cog.yaml", strict: bool = False) -> LoadedConfig:
    """Read the text of a configuration.

    Args:
        text: YAML.
        file: Name for messages.
        strict: Unknown keys are problems, not warnings.

    Raises:
        ConfigInvalid: The text cannot be used; ``problems`` has every reason.
    """
    return _parsed(text, file=file, strict=strict, root=None)


def _parsed(text: str, *, file: str, strict: bool, root: Path | None) -> LoadedConfig:
    findings = Findings()
    written = read_yaml(text, file=file, findings=findings)
    tree, legacy = modernise(written, findings)
    config, tree = fit(tree, findings, strict=strict)
    places = dict(positions(tree))
    pointer = "predict" if written.get("predict") else "run"
    broken = [*check(config, pointer=pointer, legacy=legacy), *check_weights(config)]
    for finding in broken if root is None else (*broken, *_check_files(config, root)):
        findings.problems.append(_problem(finding, places, file))
    if findings.problems:
        # An unknown key may be the reason of a problem, so it is told in one go with them.
        raise ConfigInvalid(in_order(findings.problems + findings.warnings))
    _warn_of_replaced(tree, findings)
    config = _completed(config, findings, Origin(file=file, key="build.python_version"), legacy=legacy)
    return LoadedConfig(
        config=config,
        file=file,
        warnings=in_order(findings.warnings),
        notes=tuple(findings.notes),
        legacy=legacy,
        positions=places,
    )


def load(project: Path, *, file: str = "cog.yaml", strict: bool = False) -> LoadedConfig:
    """Read the configuration of a project.

    Args:
        project: The project's folder.
        file: Path of the configuration in it.
        strict: Unknown keys are problems, not warnings.

    Raises:
        ConfigNotFound: There is no such file.
        ConfigInvalid: It cannot be used, or a file that it names is not there.
    """
    path = project / file
    try:
        with path.open("rb") as stream:
            data = stream.read(4 * LARGEST + 1)
    except FileNotFoundError as error:
        raise ConfigNotFound(f"{file} not found in {project}", hint="Make one with: cog init") from error
    except OSError as error:
        raise ConfigInvalid([_about(file, f"cannot read {file}: {error.strerror}")]) from error
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fact = f"failed to parse {file}: invalid YAML: not UTF-8"
        raise ConfigInvalid([_about(file, fact, line=line, hint="Save the file in UTF-8.")]) from error
    return _parsed(text, file=file, strict=strict, root=project)


def _check_files(config: Config, root: Path) -> Iterator[Finding]:
    """Check that the requirements file is there, and in the project: what it says ends up in the image."""
    name = config.build.python_requirements
    if name is None:
        return
    messages = {
        FileKind.OUTSIDE: "must be inside the project directory",
        FileKind.OTHER: "must be a regular file",
        FileKind.MISSING: "file does not exist",
    }
    if message := messages.get(kind_of(root, name)):
        yield Finding(path="build.python_requirements", message=message, value=name)


def from_json(text: str) -> Config:
    """Read a configuration back from an image's label; keys that we do not know are left out.

    Raises:
        ConfigInvalid: The text is no configuration.
    """
    origin = Origin(file="run.cog.config")
    try:
        document = json.loads(text)
        tree = _tree(document, origin)
    except (ValueError, RecursionError) as error:
        raise ConfigInvalid([Problem(message="the label is not JSON", origin=origin)]) from error
    if not isinstance(tree, Table):
        raise ConfigInvalid([Problem(message="the label is no mapping", origin=origin)])
    findings = Findings()
    config, _ = fit(tree, findings)
    if findings.problems:
        raise ConfigInvalid(findings.problems)
    return config


def _tree(value: Any, origin: Origin) -> Node:
    if isinstance(value, dict):
        entries = (Entry(key, origin, _tree(item, origin)) for key, item in value.items())
        return Table(tuple(entries), origin)
    if isinstance(value, list):
        return Listing(tuple(_tree(item, origin) for item in value), origin)
    return Scalar(None if value is None else value if isinstance(value, str) else json.dumps(value), origin)


def _about(file: str, fact: str, *, line: int | None = None, hint: str | None = None) -> Problem:
    return Problem(message=fact, origin=Origin(file=file, line=line), hint=hint)


def _problem(finding: Finding, places: Mapping[str, Origin], file: str) -> Problem:
    origin = _nearest(finding.path, places) or Origin(file=file, key=finding.path)
    value = "" if finding.value is None else f' "{shown(finding.value)}"'
    message = f"invalid {finding.field or origin.key}{value}: {finding.message}"
    return Problem(message=message, origin=origin, hint=finding.hint)


def _nearest(path: str, places: Mapping[str, Origin]) -> Origin | None:
    """Return the place of a part or, when it is not written, that of what should hold it.

    The key stays that of the part. A single source of weights may stand without a list.
    """
    path = path if path in places else path.replace("source[0]", "source")
    here = path
    while here and here not in places:
        here = re.sub(r"(?:^|\.)[^.\[]+$|\[\d+\]$", "", here)
    found = places.get(here)
    return attrs.evolve(found, key=found.key + path[len(here) :]) if found else None


def _warn_of_replaced(tree: Table, findings: Findings) -> None:
    for path, origin in key_positions(tree):
        instead = _REPLACED.get(path)
        if instead is not None and (path != "predict" or origin.key == "predict"):
            findings.warn(f'deprecated field "{origin.key}": use "{instead}" instead', origin)


def _completed(config: Config, findings: Findings, origin: Origin, *, legacy: bool) -> Config:
    if config.build.python_version:
        return config
    version = LEGACY_PYTHON if legacy else DEFAULT_PYTHON
    findings.note(f"build.python_version is not set; Python {version} is used", origin)
    return attrs.evolve(config, build=attrs.evolve(config.build, python_version=version))
