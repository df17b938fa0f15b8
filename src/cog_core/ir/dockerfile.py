"""A plan as Dockerfile text, in the dialect of whoever reads it (Docker documentation, "Dockerfile reference").

Only primitive steps have a Dockerfile form; lower the plan first. There is never a ``# syntax=`` line, because that
makes a builder fetch its front end from a registry.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.ir.steps import (
    PROJECT,
    BindMount,
    CacheMount,
    Copy,
    Env,
    ImageBase,
    Run,
    SecretMount,
    SshMount,
    User,
    Workdir,
    Write,
)
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cog_core.errors import Origin
    from cog_core.ir.plan import BuildPlan
    from cog_core.ir.steps import Mount, Step

FILES: Final = "files"
"""Context of generated files, for dialects that cannot carry them in the Dockerfile."""
FOLDER: Final = "folder"
"""Context of nothing: what is copied of it is an empty folder."""

_LONGEST: Final = 65_535
"""Bytes of a line at which readers of Dockerfiles stop (Go's ``bufio.Scanner``)."""
_LINE: Final = 4000
"""Characters per line of a long value; each has at most 4 bytes, or 2 when it is escaped."""


@attrs.frozen(kw_only=True)
class Dialect(Frozen):
    """What a builder understands.

    Attributes:
        heredocs: Here-documents (Dockerfile 1.4, BuildKit 0.9).
        mounts: ``RUN --mount`` (BuildKit 0.8).
        link: ``COPY --link`` (Dockerfile 1.4, BuildKit 0.10).
        prefixes: Contexts are folders of one big context, instead of ``--from``.
        bare_workdirs: ``WORKDIR`` only notes the folder and does not make it (buildah, before the next command).
    """

    heredocs: bool = False
    mounts: bool = False
    link: bool = False
    prefixes: bool = False
    bare_workdirs: bool = False


MODERN = Dialect(heredocs=True, mounts=True, link=True)
"""BuildKit 0.10 and later: Docker 23, buildah 1.33 understands the same."""
EARLY_BUILDKIT = Dialect(mounts=True)
"""BuildKit 0.8, as in Docker 20.10."""
CLASSIC = Dialect(prefixes=True)
"""The builder before BuildKit."""


@attrs.frozen
class Instruction(Frozen):
    """One instruction and the step that it comes from."""

    text: str
    origin: Origin | None = None
    makes_vertex: bool = True
    """BuildKit counts this instruction in its ``[3/9]``."""


@attrs.frozen(kw_only=True)
class Dockerfile(Frozen):
    """A rendered plan.

    Attributes:
        instructions: In order, the first is ``FROM``.
        files: Generated files that must be in the context ``files``, by their path in the image.
        contexts: Names of the contexts that are used, without the project.
        labels: Labels that no Dockerfile can hold (values with line breaks); pass them as options.
    """

    instructions: tuple[Instruction, ...]
    files: tuple[Write, ...] = ()
    contexts: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def base(self) -> str:
        """The image that it begins with."""
        return self.instructions[0].text.removeprefix("FROM ")

    @property
    def text(self) -> str:
        """The file, with a comment above each instruction that comes from a line of the user's."""
        blocks = []
        for instruction in self.instructions:
            comment = f"# {instruction.origin}\n" if instruction.origin else ""
            blocks.append(f"{comment}{instruction.text}\n")
        return "\n".join(blocks)


def render(plan: BuildPlan, dialect: Dialect, sources: Mapping[str, str] | None = None) -> Dockerfile:
    """Render a lowered plan.

    Args:
        plan: Its steps are primitive and its base is an image.
        dialect: What the builder understands.
        sources: What stands for a context in ``--from=``; a context that is missing here goes by its own name.
    """
    base = plan.stage.base
    if not isinstance(base, ImageBase):
        raise TypeError("only a lowered plan has a Dockerfile form")
    writer = _Writer(dialect, sources or {})
    instructions = [Instruction(f"FROM {base.reference}", base.origin)]
    for step in plan.steps:
        instructions.extend(
            Instruction(text, step.origin, not isinstance(step, (Env, User))) for text in writer(step)
        )
    return Dockerfile(
        instructions=(*instructions, *_configuration(plan)),
        files=tuple(writer.files),
        contexts=tuple(sorted(writer.contexts)),
        labels=tuple(pair for pair in plan.config.labels if not _fits(pair)),
    )


class _Writer:
    """Renders step after step and remembers which contexts and files they need."""

    def __init__(self, dialect: Dialect, sources: Mapping[str, str]) -> None:
        self.dialect = dialect
        self.sources = sources
        self.files: list[Write] = []
        self.contexts: set[str] = set()

    def __call__(self, step: Step) -> Iterator[str]:
        match step:
            case Run():
                yield self._run(step)
            case Copy():
                yield self._copy(step.context, step.source, step.target, link=step.independent)
            case Write():
                yield self._write(step)
            case Env():
                yield from _pairs("ENV", step.variables)
            case Workdir(path=path):
                if self.dialect.bare_workdirs:
                    yield self._copy(FOLDER, ".", path)
                yield f"WORKDIR {_word(path)}"
            case User(name=name):
                yield f"USER {_word(name)}"
            case _:
                raise TypeError(f"{type(step).__name__} is not primitive; lower the plan first")

    def _run(self, step: Run) -> str:
        options = [self._mount(mount) for mount in step.mounts] if self.dialect.mounts else []
        if "\n" not in step.script and not step.script.rstrip().endswith("\\"):
            return " ".join(["RUN", *options, step.script])
        if self.dialect.heredocs and _stands_in_heredoc(step.script) and not step.script.startswith("#!"):
            end = _delimiter(step.script)
            return " ".join(["RUN", *options, f"<<'{end}'"]) + f"\n{step.script.rstrip()}\n{end}"
        return " ".join(["RUN", *options, json.dumps(["/bin/sh", "-c", step.script])])

    def _mount(self, mount: Mount) -> str:
        match mount:
            case CacheMount():
                sharing = "shared" if mount.shared else "locked"
                return f"--mount=type=cache,id={mount.id},target={mount.target},sharing={sharing}"
            case SecretMount():
                required = ",required=true" if mount.required else ""
                return f"--mount=type=secret,id={mount.id},target={mount.target}{required}"
            case SshMount():
                return f"--mount=type=ssh,id={mount.id},required=true"
            case BindMount():
                where = f",from={self._source(mount.context)}" if mount.context != PROJECT else ""
                return f"--mount=type=bind{where},source={mount.source},target={mount.target}"

    def _copy(self, context: str, source: str, target: str, *, link: bool = False) -> str:
        options = ["--link"] if link and self.dialect.link else []
        if self.dialect.prefixes:
            self._source(context)
            source = f"{context}/{source}" if source != "." else f"{context}/"
        elif context != PROJECT:
            options.append(f"--from={self._source(context)}")
            source = f"/{source}" if source != "." else "/"
        elif source.startswith("-"):
            source = f"./{source}"  # or it would be read as an option
        source, target = _word(_literally(source)), _word(target)
        if re.search(r"\s", source + target):
            return " ".join(["COPY", *options, json.dumps([source, target])])
        return " ".join(["COPY", *options, source, target])

    def _write(self, step: Write) -> str:
        if self.dialect.heredocs and _is_heredoc(step):
            end = _delimiter(step.content)
            mode = "" if step.mode == 0o644 else f" --chmod={step.mode:o}"
            return f"COPY{mode} <<'{end}' {_word(step.path)}\n{step.content}{end}"
        self.files.append(step)
        return self._copy(FILES, step.path.lstrip("/"), step.path)

    def _source(self, context: str) -> str:
        if context != PROJECT:
            self.contexts.add(context)
        return self.sources.get(context, context)


def _configuration(plan: BuildPlan) -> Iterator[Instruction]:
    config = plan.config
    lines = [f"EXPOSE {port}" for port in config.ports]
    lines += [f"ENTRYPOINT {json.dumps(config.entrypoint)}"] if config.entrypoint else []
    lines += [f"CMD {json.dumps(config.cmd)}"] if config.cmd else []
    lines += _pairs("LABEL", filter(_fits, config.labels))
    for line in lines:
        yield Instruction(line, None, makes_vertex=False)


def _pairs(keyword: str, pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Write ``KEY="value"`` pairs as one instruction, one pair a line, long values over several lines."""
    written = [f'{label_name(name)}="{_quoted(value)}"' for name, value in pairs]
    if written:
        yield f"{keyword} " + " \\\n    ".join(written)


def label_name(name: str) -> str:
    """Return the name of a label or a variable as it stands before ``=``."""
    return name if re.fullmatch(r"[A-Za-z0-9_./-]+", name) else f'"{_quoted(name)}"'


def _quoted(value: str) -> str:
    """Escape for a double-quoted word: backslash, quote and dollar, as the Dockerfile's own lexer wants it.

    A long text becomes several quoted words without a blank between them, each on a line of its own. So no line
    starts with a blank or ``#``, which could be taken for a comment, and none ends with a backslash of the text.
    """
    pieces = (value[start : start + _LINE] for start in range(0, len(value), _LINE))
    return '"\\\n"'.join(re.sub(r'([\\"$])', r"\\\1", piece) for piece in pieces)


def _fits(pair: tuple[str, str]) -> bool:
    return not re.search(r"[\r\n\0]", "".join(pair))


def _is_heredoc(step: Write) -> bool:
    short = len(step.content) <= _LONGEST  # builders take minutes to read megabytes of here-documents
    return (
        short and step.content.endswith("\n") and _stands_in_heredoc(step.content) and not re.search(r"\s", step.path)
    )


def _stands_in_heredoc(text: str) -> bool:
    return not re.search(r"[\r\0]", text) and all(
        len(line.encode("utf-8", "replace")) < _LONGEST for line in text.split("\n")
    )


def _word(text: str) -> str:
    return re.sub(r"""([\\$"'])""", r"\\\1", text)


def _literally(path: str) -> str:
    """Escape a path of ``COPY`` that would be a pattern (Go's ``filepath.Match``)."""
    return re.sub(r"[*?\[\\]", lambda special: "[\\\\]" if special[0] == "\\" else f"[{special[0]}]", path)


def _delimiter(content: str) -> str:
    """Return an end marker that is no line of the content."""
    lines = set(content.splitlines())
    number = 0
    while (marker := f"EOF{number or ''}") in lines:
        number += 1
    return marker
