"""Ask the resolver until it has an answer: what has no wheels is set aside for the image, never built here."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.certificates import ca_bundle
from cog_core.errors import LockError
from cog_core.lock import explain, uv
from cog_core.lock.locked import LockedPackage, Resolution
from cog_core.lock.pip_settings import pip_settings
from cog_core.resolve.requirements import OURS
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cog_core.lock.indices import Indices
    from cog_core.lock.target import Target
    from cog_core.process import Command, Completed, Runner
    from cog_core.resolve import RequirementLine
    from cog_core.settings import Settings

_MOST_ROUNDS: Final = 40


@attrs.frozen(kw_only=True)
class Question(Frozen):
    """What the resolver is asked.

    Attributes:
        lines: Requirements that have wheels, as far as their text tells.
        absent: Packages that the image builds, and that no wheel may bring from an index.
        root: The project, in which local wheels lie.
    """

    lines: tuple[RequirementLine, ...]
    absent: tuple[str, ...] = ()
    target: Target
    indices: Indices
    root: Path
    settings: Settings


def resolve_packages(question: Question, run: Runner) -> Resolution:
    """Return the packages that answer a question; the source archives among them are lines to build.

    Raises:
        LockError: There is no answer.
    """
    with tempfile.TemporaryDirectory(prefix="cog-lock-") as name:
        return _resolve(question, run, Path(name))


def _resolve(question: Question, run: Runner, folder: Path) -> Resolution:
    settings = _with_certificates(question.settings, folder)
    lines = question.lines
    built: dict[str, str] = {}
    for _ in range(_MOST_ROUNDS):
        command = _command(question, lines, _overrides(folder, (*sorted(OURS), *question.absent, *built)), settings)
        done = run(command)
        if done.code == 0:
            return _resolution(done, lines, built)
        said = command.redact(done.stderr)
        found = [name for name in explain.unbuilt(said) if name not in built]
        if not found:
            raise explain.lock_error(_refusal(command, run, said), question.lines, question.target)
        for each in found:
            own = [line.text for line in lines if line.name == each]
            built[each] = own[0] if own else each + explain.wanted_versions(said, each)
        lines = tuple(line for line in lines if line.name not in built)
    raise LockError(f"more than {_MOST_ROUNDS} packages have no wheels for {question.target}")


def _command(question: Question, lines: Iterable[RequirementLine], overrides: Path, settings: Settings) -> Command:
    return uv.compile_command(
        [_text(line, question.root) for line in lines],
        target=question.target,
        indices=question.indices,
        overrides=overrides,
        settings=settings,
    )


def _refusal(command: Command, run: Runner, said: str) -> str:
    """Return what the resolver says about an index that refuses a login, if that is the reason; else what it said."""
    if not explain.may_be_refused(said):
        return said
    again = attrs.evolve(command, argv=uv.with_strategy(command.argv, "first-index"))
    more = command.redact(run(again).stderr)
    return more if explain.is_refused(more) else said


def _with_certificates(settings: Settings, folder: Path) -> Settings:
    """Let the resolver trust the authorities of ``COG_CA_CERT``, else those of pip's ``cert``."""
    bundle = ca_bundle(settings)
    pip = pip_settings(settings)
    added: dict[str, str] = {}
    if bundle is not None:
        file = folder / "ca.pem"
        file.write_bytes(bundle)
        added["SSL_CERT_FILE"] = str(file)
    elif "SSL_CERT_FILE" not in settings.environ and "cert" in pip:
        added["SSL_CERT_FILE"] = str(Path(pip["cert"]).expanduser())
    if (proxy := pip.get("proxy")) and not settings.proxies:
        added |= {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}
    return attrs.evolve(settings, environ={**settings.environ, **added})


def _overrides(folder: Path, names: Iterable[str]) -> Path:
    """Write what puts a stub in the place of each package, wherever it is asked for."""
    path = folder / "overrides.txt"
    path.write_text("".join(f"{name} @ {uv.stub_wheel(folder, name).as_uri()}\n" for name in names), "utf-8")
    return path


def _text(line: RequirementLine, root: Path) -> str:
    """Return a requirement as the resolver reads it; a wheel of the project by its place on this machine."""
    if line.artifact is None:
        return line.text
    return f"{line.name} @ {(root / line.artifact).resolve().as_uri()}"


def _resolution(done: Completed, lines: Sequence[RequirementLine], built: Mapping[str, str]) -> Resolution:
    parsed = uv.parse_output(done.stdout)
    dropped = tuple((name, ", ".join(by)) for name, by in sorted(parsed.stubs.items()) if name in OURS)
    return Resolution(
        packages=tuple(_with_own_hashes(parsed.packages, lines)), built=tuple(built.items()), dropped=dropped
    )


def _with_own_hashes(packages: Iterable[LockedPackage], lines: Sequence[RequirementLine]) -> Iterator[LockedPackage]:
    """Keep to the files that the author lists, where the requirements file has hashes of its own."""
    listed = {line.name: line for line in lines if line.hashes}
    for package in packages:
        line = listed.get(package.name)
        if line is None:
            yield package
            continue
        right = tuple(digest for digest in package.hashes if digest in line.hashes)
        if not right:
            fact = f"no file of {package.requirement} has a hash that is listed"
            raise LockError(fact, hint="Correct the hashes, or leave them out.", origin=line.origin)
        yield attrs.evolve(package, hashes=right)
