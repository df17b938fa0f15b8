"""``cog exec``."""

import contextlib
from pathlib import Path
from typing import Annotated

from cog_cli import options
from cog_cli.building import kind
from cog_cli.declared import Argument, Option
from cog_cli.given import environment, published
from cog_cli.main import INTERRUPTED
from cog_cli.older_flags import accepting
from cog_cli.render.console import say
from cog_cli.render.progress import mode_of, showing, tell
from cog_cli.session import settings as read_settings
from cog_core.events import Event, StepFinished, StepStarted
from cog_core.predictions import RunOptions
from cog_core.predictions import environment as project_environment
from cog_core.project import open_project

SETTINGS = {"context_settings": {"allow_interspersed_args": False}}


@accepting("use_cog_base_image", "use_cuda_base_image")
def command(
    *,
    words: Annotated[list[str], Argument(metavar="COMMAND", help="What to run.")],
    publish: Annotated[
        list[str] | None,
        Option("-p", "--publish", metavar="[HOST:]PORT", help="Port of the command to be reached from here."),
    ] = None,
    env: options.Env = None,
    gpus: options.Gpus = None,
    file: options.File = None,
    backend: options.Backend = None,
    strict: options.Strict = False,
    progress: options.Progress = None,
) -> int:
    """Run a command in the project's environment, with the project at /src; ends with the command's status."""
    settings = read_settings()
    mode = mode_of(progress, settings)
    run_options = RunOptions(
        environment=environment(env or (), settings),
        gpus=gpus,
        ports=published(publish or ()),
        on_line=lambda _, line: tell(mode, line),
    )
    project = open_project(Path(), file=file, strict=strict)
    tell(mode, f"Building {kind(backend, settings)} from environment in {project.config_file}...")
    with contextlib.ExitStack() as view:
        emit = view.enter_context(showing(mode))

        def watch(event: Event) -> None:
            if isinstance(event, StepStarted | StepFinished) and event.id == "start":
                view.close()  # the terminal is the command's from here on
            else:
                emit(event)

        with project_environment(
            project, tuple(words), run_options, backend=backend, on_event=watch, settings=settings
        ) as container:
            status = container.wait()
    if status and status != INTERRUPTED:
        say(f"container exited with status {status}")
    return status or 0
