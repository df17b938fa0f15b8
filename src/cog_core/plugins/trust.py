"""Asks backends what they can do, and believes no more than what makes sense: they are strangers."""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core.backend import (
    Backend,
    ImageInfo,
    InspectsImages,
    Probe,
    RunsImages,
    ToDockerArchive,
    ToLayout,
    ToStore,
)
from cog_core.errors import BackendUnavailable, CogError, ImageNotFound, PluginError
from cog_core.events import ignore
from cog_core.ir.capabilities import Capability
from cog_core.plugins.manager import OURS, said
from cog_oci.errors import OciError
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cog_core.backend import BackendInfo, BuildRequest, Output
    from cog_core.events import Emit, Event
    from cog_core.settings import Settings

_METHODS: Final = {Capability.RUN_IMAGES: (RunsImages, "run")}
"""Capabilities that mean a method."""


@attrs.frozen(kw_only=True)
class Answer(Frozen):
    """What a backend said, as far as it is believed.

    Attributes:
        wrong: What it claimed wrongly, with its distribution; None when all is well.
    """

    backend: Backend
    probe: Probe
    wrong: str | None = None


class Question:
    """A backend that is being loaded and probed, in a thread, so that whoever asks may do something else meanwhile.

    Args:
        info: What was registered.
        settings: Passed to the backend; they say how long it may take.
        owner: Name and version of the distribution that brought it.
    """

    def __init__(self, info: BackendInfo, settings: Settings, owner: str) -> None:
        self._info = info
        self._settings = settings
        self._owner = owner
        self._found: list[tuple[Any, Any]] = []
        self._failures: list[BaseException] = []
        # A daemon thread does not keep the process from ending, whatever it waits for.
        self._thread = threading.Thread(target=self._ask, name=f"probe of {info.name}", daemon=True)
        self._thread.start()

    @functools.cached_property
    def answer(self) -> Answer:
        """What it says, as soon as it does; one that fails or hangs instead is not usable, and harms nobody."""
        self._thread.join(self._settings.probe_timeout)
        owner = self._owner
        who = owner if _is_strange(owner) else "it"
        if self._failures:
            return _silent(f"{who} failed with {said(self._failures[0])}")
        if not self._found:
            return _silent(f"{who} did not answer within {self._settings.probe_timeout:g} s")
        backend, probe = self._found[0]
        if not isinstance(backend, Backend):
            return _silent(f"{who} loaded {backend!r:.80}, which is no backend")
        if not isinstance(probe, Probe):
            return _silent(f"{who} answered {probe!r:.80}, which is no Probe")
        reason = " ".join(str(probe.reason).split())  # it stands in one line of a listing
        return _believed(self._info, backend, attrs.evolve(probe, reason=reason), owner)

    def _ask(self) -> None:
        try:
            backend: Any = self._info.load(self._settings)
            self._found.append((backend, backend.probe() if isinstance(backend, Backend) else None))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything, and must not stop us
            self._failures.append(error)


@contextlib.contextmanager
def blamed(backend: str, owner: str, emit: Emit = ignore) -> Iterator[Emit]:
    """Tell whose fault it is that a stranger's backend fails with what is no error of the tool's, or of a file's.

    Args:
        backend: Its name.
        owner: Name and version of the distribution that brought it.
        emit: Hears the events of the backend.

    Yields:
        What to give the backend for ``emit``: errors of whoever listens are theirs, and stay what they are.

    Raises:
        PluginError: The backend raised something else, or wanted to end the program.
    """
    theirs: list[BaseException] = []

    def heard(event: Event) -> None:
        try:
            emit(event)
        except BaseException as error:
            theirs.append(error)
            raise

    try:
        yield heard
    except (CogError, OciError):
        raise
    except (Exception, SystemExit) as error:
        of_a_file = isinstance(error, OSError) and error.filename is not None
        if of_a_file or not _is_strange(owner) or any(error is each for each in theirs):
            raise
        hint = f"This is for whoever made {owner}; COG_DEBUG=1 shows where it happened."
        raise PluginError(f"{_who(backend, owner)} failed with {said(error)}", hint=hint) from error


def checked(answer: Any, request: BuildRequest, builder: Backend, *, backend: str, owner: str) -> ImageInfo:
    """Return what a build returned, if it makes sense and what can be looked at is there.

    Args:
        answer: What the backend returned.
        request: What it was asked for.
        builder: Who built; a stranger is asked again for what it keeps itself.
        backend: Its name.
        owner: Name and version of the distribution that brought it.

    Raises:
        PluginError: It promised what it did not do.
    """
    who = _who(backend, owner)
    if not isinstance(answer, ImageInfo):
        raise PluginError(f"{who} returned {answer!r:.80} instead of an ImageInfo")
    found, wanted = answer.platform, request.plan.platform
    if (found.os, found.architecture) != (wanted.os, wanted.architecture):
        raise PluginError(f"{who} says that the image is for {found}, not for {wanted}")
    missing = [str(path) for path in _places(request.outputs) if not path.exists()]
    if missing:
        raise PluginError(f"{who} says that it built the image, and did not write {', '.join(missing)}")
    if _is_strange(owner) and isinstance(builder, InspectsImages):
        for tag in (output.tag for output in request.outputs if isinstance(output, ToStore)):
            kept = _kept(builder, tag)
            if kept != answer.image_id:
                raise PluginError(f"{who} says that {tag} is {answer.image_id}, and keeps {kept} under that name")
    return answer


def _kept(builder: InspectsImages, tag: str) -> str:
    try:
        return builder.inspect(tag).image_id
    except ImageNotFound:
        return "nothing"


def _who(backend: str, owner: str) -> str:
    return f"the backend {backend}" + (f" of {owner}" if owner else "")


def _is_strange(owner: str) -> bool:
    """Whether somebody else made it; without an owner it is an object that a program registered itself."""
    return bool(owner) and not owner.startswith(f"{OURS} ")


def _places(outputs: tuple[Output, ...]) -> Iterator[Path]:
    for output in outputs:
        match output:
            case ToLayout(path=path):
                yield path / "index.json"
            case ToDockerArchive(path=path):
                yield path
            case _:
                pass


def _believed(info: BackendInfo, backend: Backend, probe: Probe, owner: str) -> Answer:
    """Leave out what was never declared or cannot be true."""
    undeclared = frozenset(probe.capabilities) - info.capabilities
    absent = {
        capability: method
        for capability, (protocol, method) in _METHODS.items()
        if capability in probe.capabilities and not isinstance(backend, protocol)
    }
    problems = [
        *(f"finds {name}, which it does not declare" for name in sorted(map(_name, undeclared))),
        *(f"declares {_name(capability)} and has no method {method}" for capability, method in absent.items()),
    ]
    if not problems:
        return Answer(backend=backend, probe=probe)
    rest = frozenset(probe.capabilities) - undeclared - absent.keys()
    wrong = f"{owner or 'a plugin'}: the backend {info.name} {'; '.join(problems)}"
    return Answer(backend=backend, probe=attrs.evolve(probe, capabilities=rest), wrong=wrong)


def _name(capability: Any) -> str:
    return capability.value if isinstance(capability, Capability) else f"{capability!r:.80}"


def _silent(reason: str) -> Answer:
    return Answer(backend=_Absent(), probe=Probe(usable=False, reason=" ".join(reason.split())))


class _Absent:
    """Stands for a backend that does not answer."""

    def probe(self) -> Probe:
        return Probe(usable=False, reason="it does not answer")

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:  # noqa: ARG002 - the protocol's
        raise BackendUnavailable("the backend does not answer")
