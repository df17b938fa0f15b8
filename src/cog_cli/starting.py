"""Opening and starting a model for `cog run` and `cog serve`, and what is said meanwhile."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from cog_cli.building import check_has_model, kind
from cog_cli.render.console import say
from cog_cli.render.progress import showing, tell
from cog_core.errors import PredictionError, UsageError
from cog_core.events import StepFailed, StepFinished, StepStarted
from cog_core.predictions import is_directory, open_model, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.events import Event
    from cog_core.predictions import Model, RunOptions, Served
    from cog_core.settings import Settings


def opened(
    target: str, *, mode: str, file: str | None, backend: str | None, strict: bool, settings: Settings
) -> Model:
    """Find what a command's argument means.

    Raises:
        UsageError: It looks like an input.
        CogError: There is no such model.
    """
    if "=" in target and not Path(target).exists():
        raise UsageError(f"Invalid image name '{target}'. Did you forget `-i`?")
    if target != "." and is_directory(target) and not target.startswith((".", "/")):
        say(f"note: {target} is taken as the folder of this name; images have no cog.yaml", "note")
    with showing(mode) as emit:
        model = open_model(target, file=file, backend=backend, strict=strict, on_event=emit, settings=settings)
    if model.project is not None:
        check_has_model(model.project)
    return model


@contextlib.contextmanager
def started(
    model: Model, options: RunOptions, *, mode: str, backend: str | None, settings: Settings
) -> Iterator[Served]:
    """Build what has to be built and start a model; what it prints appears on standard error.

    Raises:
        CogError: It could not be built or started, or its setup failed.
    """
    word = kind(model.holder or backend, settings)
    if model.project is not None:
        tell(mode, f"Building {word} from environment in {model.project.config_file}...")
    with contextlib.ExitStack() as view:
        emit = view.enter_context(showing(mode))

        def watch(event: Event) -> None:
            match event:
                case StepStarted(id="setup"):
                    view.close()
                    tell(mode, f"Starting {word} and running setup()...")
                case StepFinished(id="setup") | StepFailed(id="setup"):
                    pass
                case _:
                    emit(event)

        try:
            with serving(model, options, backend=backend, on_event=watch, settings=settings) as served:
                yield served
        except PredictionError as error:
            error.logs = ""  # they were printed as they came
            raise
