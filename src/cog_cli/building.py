"""Building an image as `cog build` and `cog push` do: what they say before, meanwhile and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from cog_cli.documents import given_schema
from cog_cli.given_agents import given_agents
from cog_cli.given_secrets import given_secrets
from cog_cli.outputs import describe
from cog_cli.render.console import size
from cog_cli.render.progress import showing, tell
from cog_cli.source_facts import source_facts
from cog_core import images, process
from cog_core.caches import Cache
from cog_core.errors import ConfigInvalid, Origin, Problem, UsageError
from cog_core.project import open_project
from cog_core.values import Platform, image_name
from cog_core.wording import counted
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.backend import Output
    from cog_core.project import Project
    from cog_core.results import BuildResult
    from cog_core.settings import Settings


@attrs.frozen(kw_only=True)
class BuildFlags(Frozen):
    """What the command line says about a build; see :mod:`cog_cli.options`."""

    file: str | None
    mode: str
    no_cache: bool
    secret: tuple[str, ...]
    openapi_schema: str | None
    backend: str | None
    platform: str | None
    base_image: str | None
    strict: bool
    update: bool
    git_labels: bool
    dockerfile: str | None
    pull: bool = False
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse what cannot be done rather than to build something else.

        Raises:
            UsageError: Something cannot.
        """
        if self.dockerfile is not None:
            raise UsageError("--dockerfile is not supported", hint="Describe the image in cog.yaml.")


def model_project(file: str | None, *, strict: bool) -> Project:
    """Find the project around the current folder; it has to have a model.

    Raises:
        ConfigError: There is no usable configuration, or it names no model.
    """
    project = open_project(Path(), file=file, strict=strict)
    check_has_model(project)
    return project


def check_has_model(project: Project) -> None:
    """Return if a project has a model.

    Raises:
        ConfigInvalid: It has none.
    """
    if project.config.predict is None and project.config.train is None:
        message = f"no predict or train reference found in {project.config_file}"
        hint = 'Name the model, for example: run: "run.py:Runner"'
        raise ConfigInvalid([Problem(message=message, origin=Origin(file=project.config_file), hint=hint)])


def name_of(project: Project) -> str:
    """Return the name of a project's image."""
    return project.config.image or project.config.model or image_name(project.root.name)


def build_image(
    project: Project, flags: BuildFlags, settings: Settings, *, name: str | None, outputs: tuple[Output, ...] = ()
) -> BuildResult:
    """Build a project's image and say so.

    Args:
        project: What to build.
        flags: How.
        settings: What the environment says.
        name: Its name in the backend's store; None: it only goes to the outputs.
        outputs: Where it goes besides.

    Raises:
        CogError: It could not be built.
    """
    flags.check()
    schema = given_schema(flags.openapi_schema, settings)
    platform, reason = _platform(flags.platform, name or "")
    destination = name or ", ".join(map(describe, outputs))
    tell(
        flags.mode,
        f"Building {kind(flags.backend, settings)} from environment in {project.config_file} as {destination}...",
    )
    tell(flags.mode, f"Platform {platform}: {reason}")
    with showing(flags.mode) as emit:
        result = images.build(
            project.root,
            tag=name,
            backend=flags.backend,
            platform=platform,
            outputs=outputs,
            on_event=emit,
            file=project.config_file,
            base=flags.base_image,
            schema=schema,
            source=source_facts(project.root, settings, process.run) if flags.git_labels else None,
            strict=flags.strict,
            no_cache=flags.no_cache,
            pull=flags.pull,
            cache_from=map(Cache.parse, flags.cache_from),
            cache_to=map(Cache.parse, flags.cache_to),
            refresh=flags.update,
            secrets=given_secrets(flags.secret, project.root, settings.environ),
            ssh=given_agents(flags.ssh, project.root, settings.environ),
            settings=settings,
        )
    _report(result, outputs, flags.mode)
    return result


def load_image(result: BuildResult, name: str, settings: Settings, mode: str) -> None:
    """Put an image into the engine of this machine, unless one built it.

    Raises:
        BackendError: No engine answers, or it refused.
    """
    with showing(mode) as emit:
        engine = images.load(name, backend=result.backend, on_event=emit, settings=settings)
    if engine != result.backend:
        tell(mode, f"Loaded into {engine} as {name}")


def kind(backend: str | None, settings: Settings) -> str:
    """Return what kind of image it is, as far as that is known before a backend is chosen."""
    return "Docker image" if (backend or settings.backend) == "docker" else "image"


def _platform(asked: str | None, name: str) -> tuple[Platform, str]:
    if asked:
        return Platform.parse(asked), "as asked"
    if name.startswith("r8.im/"):
        return Platform("linux", "amd64"), "what r8.im runs"
    return Platform.of_this_machine(), "this machine's own"


def _report(result: BuildResult, outputs: tuple[Output, ...], mode: str) -> None:
    amount = f", {size(result.size)}" if result.size else ""
    tell(mode, f"{result.image_id} ({counted(len(result.layers), 'layer')}{amount}) in {result.seconds:.1f} s")
    for output in outputs:
        tell(mode, f"Image written to {describe(output)}")
    if result.tag:
        tell(mode, f"Image built as {result.tag}")
        tell(mode, f"It lies in {result.location}")
