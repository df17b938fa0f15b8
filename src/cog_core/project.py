"""An author's project: where its configuration is found, and what else of it a build has to know."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.config import load
from cog_core.config.files import kind_of
from cog_core.errors import ConfigInvalid, ConfigNotFound, Origin, Problem
from cog_core.resolve.facts import Facts, RequirementsFile
from cog_core.resolve.requirements import local_paths
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.config import Config, LoadedConfig
    from cog_core.values import Platform

CONFIG_FILES: Final = ("cog.yaml", "cog.yml")
"""Names of a configuration; the first one wins."""

_SHADOWS: Final = ("cog/__init__.py", "cog.py")
"""Files that Python would import as ``cog`` (Python reference, "The import system")."""

_MOST_LEVELS = 100
_OLD_NAMES = ("replicate.yaml", "jid.yaml")
_LARGEST_REQUIREMENTS = 1024 * 1024


@attrs.frozen(kw_only=True)
class Project(Frozen):
    """A folder with a configuration.

    Attributes:
        root: The folder that holds the configuration file.
        config_file: Its path in that folder, ``cog.yaml`` as a rule.
        loaded: The configuration and where everything in it stands.
    """

    root: Path
    config_file: str
    loaded: LoadedConfig

    @property
    def config(self) -> Config:
        """The configuration's values."""
        return self.loaded.config

    def facts(
        self,
        *,
        platform: Platform,
        concurrency: int | None = None,
        is_async: bool | None = None,
        batch: tuple[int, float] | None = None,
    ) -> Facts:
        """Read from disk what resolving needs to know.

        Args:
            platform: What the image is for.
            concurrency: ``max`` of the model's ``@cog.concurrent``, if its schema is known.
            is_async: Whether the model's method is asynchronous, if its schema is known.
            batch: ``max_size`` and ``window`` of the model's ``@cog.batch``, if its schema is known.

        Raises:
            ConfigInvalid: The requirements file cannot be read.
        """
        requirements = self._requirements()
        paths = local_paths(self.loaded, requirements)
        return Facts(
            directory=self.root.name,
            platform=platform,
            requirements=requirements,
            files={path: kind_of(self.root, path) for path in paths},
            concurrency=concurrency,
            is_async=is_async,
            batch=batch,
        )

    def check_names(self) -> None:
        """Refuse a project whose own files would be imported in place of the SDK.

        Raises:
            ConfigInvalid: ``import cog`` in the model's folder would not find the SDK.
        """
        for name in _SHADOWS:
            if (self.root / name).is_file():
                raise ConfigInvalid(
                    [
                        Problem(
                            message=f"the project's own {name} hides the cog package from the model",
                            origin=Origin(file=name),
                            hint="Rename it: `import cog` in the model's folder has to find the SDK.",
                        )
                    ]
                )

    def _requirements(self) -> RequirementsFile | None:
        name = self.config.build.python_requirements
        if name is None:
            return None
        try:
            with (self.root / name).open("rb") as stream:
                data = stream.read(_LARGEST_REQUIREMENTS + 1)
            if len(data) > _LARGEST_REQUIREMENTS:
                raise _unusable(name, f"larger than {_LARGEST_REQUIREMENTS} bytes")
            return RequirementsFile(name, data.decode())
        except OSError as error:
            raise _unusable(name, str(error.strerror)) from error
        except UnicodeDecodeError as error:
            raise _unusable(name, "not UTF-8") from error


def open_project(directory: Path, *, file: str | None = None, strict: bool = False) -> Project:
    """Find the configuration in a folder or above it, and read it.

    Args:
        directory: Where to begin.
        file: Name of the configuration; ``cog.yaml`` or ``cog.yml`` by default.
        strict: Unknown keys are problems, not warnings.

    Raises:
        ConfigNotFound: There is none here or in the folders above, at most 100 of them.
        ConfigInvalid: It cannot be used.
    """
    if file and Path(file).is_absolute():
        directory, file = Path(file).parent, Path(file).name
    start = _absolute(directory)
    if not start.is_dir():
        fact = "is no folder" if start.exists() else "is not there"
        raise ConfigNotFound(f"{directory} {fact}", hint="Name the folder of a project, or an image.")
    names = (file,) if file else CONFIG_FILES
    for folder in _upwards(start):
        found = [name for name in names if (folder / name).is_file()]
        if found:
            return _opened(folder, found, strict=strict)
    hint = "Make one with: cog init"
    if old := next((name for name in _OLD_NAMES if (start / name).is_file()), None):
        hint = f"Rename {old} to cog.yaml; it is the name that an early version used."
    raise ConfigNotFound(f"{names[0]} not found in {start} (or in any parent directories)", hint=hint)


def _absolute(directory: Path) -> Path:
    try:
        return directory.absolute()
    except FileNotFoundError as error:  # of the current folder, which somebody removed
        raise ConfigNotFound("the current folder is gone", hint="Change to a folder that is there.") from error


def _upwards(start: Path) -> Iterator[Path]:
    yield start
    yield from list(start.parents)[: _MOST_LEVELS - 1]


def _opened(folder: Path, found: list[str], *, strict: bool) -> Project:
    loaded = load(folder, file=found[0], strict=strict)
    if len(found) > 1:
        fact = f"{found[1]} is ignored, because {found[0]} is there too"
        ignored = Problem(message=fact, origin=Origin(file=found[1]), hint="Keep one of the two.")
        loaded = attrs.evolve(loaded, warnings=(*loaded.warnings, ignored))
    return Project(root=folder, config_file=found[0], loaded=loaded)


def _unusable(name: str, fact: str) -> ConfigInvalid:
    return ConfigInvalid([Problem(message=f"cannot read {name}: {fact}", origin=Origin(file=name))])
