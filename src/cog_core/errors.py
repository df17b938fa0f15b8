"""Every error a caller can meet, in one tree.

    CogError                      root: what failed, what to do next, and where it came from
    +- ConfigError          (2)   the text of cog.yaml, or of a file that it names
    |  +- ConfigNotFound
    |  +- ConfigInvalid           all problems at once
    +- UsageError           (2)   arguments that contradict each other or name nothing
    +- ResolveError         (3)   versions that do not exist or do not go together
    |  +- LockError               the package resolver refused
    +- SchemaError          (3)   the model's signature, all problems at once
    +- PluginError          (4)   a plugin failed, or two of them disagree
    |  +- UnknownBackend
    +- BackendError         (5)   an engine
    |  +- BackendUnavailable      nothing answers
    |  +- UnsupportedPlan         it answers, but cannot do this plan
    |  +- BuildFailed             a step failed
    |  +- ImageNotFound
    +- RegistryError        (6)   pull, push, login
    +- PredictionError      (7)   the model did not start, refused the input, or failed
       +- InputInvalid

The number is the exit code of the command line. 1 is a bug of ours and 130 an interrupt.
A message states the fact, starts lower-case, carries the value, and has no final full stop; the hint says what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable


@attrs.frozen(kw_only=True)
class Origin(Frozen):
    """Where something was written: a file, the key in it, and the position.

    Attributes:
        file: Path as the user would type it, such as ``cog.yaml``.
        key: Dotted path inside the file, such as ``build.run[2]``; empty for a whole file.
        line: First line is 1; None when the value is a default and stands nowhere.
        column: First column is 1.
    """

    file: str
    key: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Return ``file:line:column (key)``, without the parts that are unknown."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{place} ({self.key})" if self.key else place


@attrs.frozen(kw_only=True)
class Problem(Frozen):
    """One thing that is wrong in something the user wrote."""

    message: str
    origin: Origin | None = None
    hint: str | None = None

    def __str__(self) -> str:
        """Return the message with its place in front, as compilers print it."""
        return f"{self.origin}: {self.message}" if self.origin else self.message


class CogError(Exception):
    """Root of all errors that are not bugs of ours.

    Attributes:
        message: The fact, with the value that caused it.
        hint: What to do next, as a sentence of its own; None when there is nothing sensible to say.
        origin: The line of the user's file that led here.
        exit_code: What the command line exits with.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, origin: Origin | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.origin = origin


class _ManyProblems(CogError):
    """An error that reports everything it found instead of stopping at the first."""

    def __init__(self, problems: Iterable[Problem], *, hint: str | None = None) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__("\n".join(map(str, self.problems)), hint=hint or first.hint, origin=first.origin)


class ConfigError(CogError):
    """The configuration cannot be used."""

    exit_code = 2


class ConfigNotFound(ConfigError):
    """There is no cog.yaml here or above."""


class ConfigInvalid(_ManyProblems, ConfigError):
    """The configuration says things that cannot be; ``problems`` lists all of them."""

    exit_code = 2


class UsageError(CogError):
    """The call itself makes no sense: arguments contradict each other or name nothing."""

    exit_code = 2


class ResolveError(CogError):
    """Versions that do not exist, do not go together, or cannot be had."""

    exit_code = 3


class LockError(ResolveError):
    """The package resolver found no set of versions."""


class SchemaError(_ManyProblems):
    """The model's signature cannot be described; ``problems`` lists all reasons."""

    exit_code = 3


class PluginError(CogError):
    """A plugin failed, or two plugins disagree."""

    exit_code = 4


class UnknownBackend(PluginError):
    """No loaded plugin offers a backend of this name."""


class BackendError(CogError):
    """An engine failed, or the machine under it."""

    exit_code = 5


class BackendUnavailable(BackendError):
    """No engine answers; the message says what was tried."""


class UnsupportedPlan(BackendError):
    """The backend works, but this plan needs what it cannot do. Raised before any effect."""


class BuildFailed(BackendError):
    """A step of the build failed.

    Attributes:
        output: The last lines that the step printed, oldest first.
        exit_status: What the command returned; None when it was no command.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        origin: Origin | None = None,
        output: tuple[str, ...] = (),
        exit_status: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, origin=origin)
        self.output = output
        self.exit_status = exit_status


class ImageNotFound(BackendError):
    """No image of this name where the backend looks."""


class RegistryError(CogError):
    """A registry refused, is out of reach, or sent something wrong."""

    exit_code = 6


class PredictionError(CogError):
    """The model did not start, or its prediction failed.

    Attributes:
        logs: What the model printed, as far as it is known.
    """

    exit_code = 7

    def __init__(
        self, message: str, *, hint: str | None = None, origin: Origin | None = None, logs: str = ""
    ) -> None:
        super().__init__(message, hint=hint, origin=origin)
        self.logs = logs


class InputInvalid(_ManyProblems, PredictionError):
    """The inputs do not fit the model's schema; ``problems`` lists all of them."""

    exit_code = 7

    def __init__(self, problems: Iterable[Problem], *, hint: str | None = None) -> None:
        _ManyProblems.__init__(self, problems, hint=hint)
