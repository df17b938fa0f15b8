"""What a configuration that fits the types must still fulfil, one function a subject, in upstream's words.

The texts and their fields are those of the reference, section 1.4; what is mended says so.
"""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.config.model import Batch
from cog_core.values import PYTHONS, PythonVersion
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cog_core.config.model import Config

RESERVED_VARIABLES: Final = (
    *("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "PYTHONUNBUFFERED", "R8_*", "REPLICATE_*"),
    *("LIBRARY_PATH", "CUDA_*", "NVIDIA_*", "NV_*", "PGET_*", "HF_ENDPOINT", "HF_HUB_ENABLE_HF_TRANSFER"),
    "KUBERNETES_*",
)
"""Variables that ``environment`` may not set; ``*`` stands for any ending (reference, section 1.4)."""

_OLDEST, _NEWEST = PythonVersion.parse(PYTHONS[0]), PythonVersion.parse(PYTHONS[-1])
_OLDEST_CUDA = 11
_EXAMPLES = {"run": "'run.py:Runner'", "predict": "'predict.py:Predictor'", "train": "'train.py:Trainer'"}
_REPOSITORY = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
)


@attrs.frozen(kw_only=True)
class Finding(Frozen):
    """A rule that is not kept.

    Attributes:
        path: Path of the part, by today's names.
        message: What is wrong with it.
        value: The value to show; None: there is none, or the message has it.
        field: Name to show when it is not the part's own.
    """

    path: str
    message: str
    value: str | None = None
    field: str | None = None
    hint: str | None = None


def check(config: Config, *, pointer: str = "run", legacy: bool = False) -> Iterator[Finding]:
    """Yield every rule that is not kept.

    Args:
        config: What to look at.
        pointer: What the file calls the reference of the runner, ``run`` or ``predict``.
        legacy: The file is of an earlier generation, where both package keys together were allowed.
    """
    yield from _reference(config.predict, "predict", _EXAMPLES[pointer])
    yield from _reference(config.train, "train", _EXAMPLES["train"])
    for rule in _RULES:
        yield from rule(config)
    if not legacy:
        yield from _one_package_key(config)


def _reference(value: str | None, key: str, example: str) -> Iterator[Finding]:
    parts = (value or "a.py:B").split(".py:")
    if len(parts) != 2 or not all(parts):
        hint = "Name the file and the class or function in it, with .py: between them."
        yield Finding(path=key, message=f"must be in the form {example}", value=value, hint=hint)


def _python(config: Config) -> Iterator[Finding]:
    value = config.build.python_version
    if value and (message := _python_problem(value)):
        hint = f"Use one of {', '.join(PYTHONS)}."
        yield Finding(path="build.python_version", message=message, value=value, hint=hint)


def _python_problem(value: str) -> str | None:
    major, *rest = value.strip().split(".")
    if not rest or not rest[0]:
        return "must include major and minor version (e.g., '3.11')"
    if not _is_number(major):
        return "invalid major version number"
    if not _is_number(rest[0]):
        return "invalid minor version number"
    if len(rest) > 2 or not all(map(_is_number, rest)):
        return "invalid patch version number"
    version = PythonVersion(int(major), int(rest[0]))
    if version < _OLDEST:
        return f"minimum supported Python version is {_OLDEST}"
    return f"newest supported Python version is {_NEWEST}" if version > _NEWEST else None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,4}", text) is not None


def _one_package_key(config: Config) -> Iterator[Finding]:
    if config.build.python_packages and config.build.python_requirements:
        message = "only one of python_packages or python_requirements can be set, not both"
        hint = "Move the lines of python_packages into the requirements file."
        yield Finding(path="build.python_packages", field="build", message=message, hint=hint)


def _cuda(config: Config) -> Iterator[Finding]:
    value = config.build.cuda
    if not value:
        return
    major, dot, minor = value.partition(".")
    if not (dot and minor):
        message = "must include both major and minor versions (e.g., '11.8')"
    elif not _is_number(major):
        message = "invalid major version number"
    elif int(major) < _OLDEST_CUDA:
        message = f"minimum supported CUDA version is {_OLDEST_CUDA}"
    else:
        return
    yield Finding(path="build.cuda", message=message, value=value)


def _environment(config: Config) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, entry in enumerate(config.environment):
        name, equals, _ = entry.partition("=")
        hint = None
        if not (equals and name):
            fact = f'"{entry}" is not in the KEY=VALUE format'
        elif any(fnmatch.fnmatchcase(name, pattern) for pattern in RESERVED_VARIABLES):
            fact = f'"{name}" is not allowed: reserved for internal use'
        elif name in seen:
            fact = f'"{name}" is already defined'
        elif any(character in entry for character in "\n\r\0"):
            fact, hint = f'"{name}" has a line break in its value', "An image's variables are single lines."
        else:
            seen.add(name)
            continue
        yield Finding(
            path=f"environment[{index}]", field="environment", message=f"environment variable {fact}", hint=hint
        )


def _concurrency(config: Config) -> Iterator[Finding]:
    if config.concurrency is None:
        return
    section, batch = config.concurrency, config.concurrency.batch or Batch()
    yield from _at_least(1, "max", section.max)
    if (section.max or 0) > 1 and too_old_for_concurrency(config.build.python_version):
        message = "concurrency requires Python 3.11 or higher"
        yield Finding(path="concurrency.max", message=message, value=str(section.max))
    yield from _at_least(1, "default_target", section.default_target)
    yield from _at_least(0, "queue", section.queue)
    yield from _at_least(1, "workers", section.workers)
    yield from _at_least(1, "threads", section.threads)
    if section.timeout is not None and section.timeout <= 0:
        hint = "Write seconds, or leave it out for no limit."
        yield Finding(path="concurrency.timeout", message="must be above 0", value=f"{section.timeout:g}", hint=hint)
    yield from _at_least(1, "batch.max_size", batch.max_size)
    yield from _at_least(0, "batch.window", batch.window)


def _at_least(least: int, key: str, value: float | None) -> Iterator[Finding]:
    if value is not None and value < least:
        yield Finding(path=f"concurrency.{key}", message=f"must be at least {least}", value=f"{value:g}")


def too_old_for_concurrency(python_version: str | None) -> bool:
    """Whether several predictions at once are impossible with this Python (reference, section 1.4)."""
    try:
        return python_version is not None and PythonVersion.parse(python_version) < PythonVersion(3, 11)
    except ValueError:
        return False


def _model(config: Config) -> Iterator[Finding]:
    value = config.model
    if not value:
        return
    if config.image:
        yield Finding(path="model", message="'model' and 'image' cannot both be set")
    last = value.rpartition("/")[2]
    if "@" in value or ":" in last:
        message = "must be a bare repository — tags and digests are not allowed"
        yield Finding(path="model", message=message, value=value, hint="Remove what follows the repository's name.")
    elif not _REPOSITORY.fullmatch(value):
        message = "invalid repository: names are lower-case letters, digits, and single . _ - between them"
        yield Finding(path="model", message=message, value=value)


_RULES: tuple[Callable[[Config], Iterator[Finding]], ...] = (*(_python, _cuda, _environment, _concurrency, _model),)
