"""``cog run``."""

import sys
from pathlib import Path
from typing import Annotated

from cog_cli import options
from cog_cli.answers import check_destination, present, write
from cog_cli.declared import Option
from cog_cli.given import environment, given_inputs
from cog_cli.older_flags import accepting
from cog_cli.render.console import warn
from cog_cli.render.progress import mode_of, tell
from cog_cli.session import settings as read_settings
from cog_cli.starting import opened, started
from cog_core.errors import PredictionError, UsageError
from cog_core.inputs import InputSchema
from cog_core.predictions import SETUP_TIMEOUT, RunOptions, ask
from cog_core.results import Prediction
from cog_core.settings import Settings


@accepting("use_cog_base_image", "use_cuda_base_image")
def command(
    *,
    target: options.Target = ".",
    inputs: Annotated[
        list[str] | None,
        Option("-i", "--input", metavar="NAME=VALUE", help="Input; NAME=@FILE for files, repeat for lists."),
    ] = None,
    json_text: Annotated[
        str | None,
        Option(
            "--json", metavar="JSON", help="All inputs as JSON, @FILE or - for stdin; the whole response is printed."
        ),
    ] = None,
    output: Annotated[
        str | None, Option("-o", "--output", metavar="PATH", help="Where the output is written.")
    ] = None,
    env: options.Env = None,
    setup_timeout: options.SetupTimeout = None,
    use_replicate_token: Annotated[
        bool, Option("--use-replicate-token", help="Pass REPLICATE_API_TOKEN on to the model.")
    ] = False,
    gpus: options.Gpus = None,
    file: options.File = None,
    backend: options.Backend = None,
    strict: options.Strict = False,
    progress: options.Progress = None,
) -> int:
    """Run one prediction with the project of this folder, of another one, or with an image."""
    settings = read_settings()
    mode = mode_of(progress, settings)
    context = {"replicate_api_token": _token(settings)} if use_replicate_token else {}
    run_options = RunOptions(
        environment=environment(env or (), settings),
        gpus=gpus,
        setup_timeout=SETUP_TIMEOUT if setup_timeout is None else setup_timeout,
        on_line=lambda _, line: tell(mode, line),
    )
    model = opened(target, mode=mode, file=file, backend=backend, strict=strict, settings=settings)
    values = given_inputs(inputs or (), json_text, InputSchema.of(model.schema))
    check_destination(output)
    with started(model, run_options, mode=mode, backend=backend, settings=settings) as served:
        tell(mode, "Running prediction...")
        prediction = ask(served, values, context=context)
    return _show(prediction, output, mode, as_json=json_text is not None)


def _show(prediction: Prediction, output: str | None, mode: str, *, as_json: bool) -> int:
    """Show what came of it, and return the exit code."""
    succeeded = prediction.status == "succeeded"
    if not succeeded and not as_json:
        reason = (prediction.error or "no reason given").removeprefix("Prediction failed: ")
        raise PredictionError(f'Prediction failed with status "{prediction.status}": {reason}')
    if as_json and output is not None and Path(output).suffix != ".json":
        warn(f"--output value does not have a .json suffix: {output}")
    answer = present(prediction, output, as_json=as_json)
    for file in answer.files:
        write(file)
        tell(mode, f"Written output to: {file.path}")
    if answer.text is not None:
        sys.stdout.write(f"{answer.text}\n")
    elif not answer.files and not as_json and prediction.output is None:
        warn("No output generated")
    return 0 if succeeded else PredictionError.exit_code


def _token(settings: Settings) -> str:
    token = settings.environ.get("REPLICATE_API_TOKEN")
    if not token:
        raise UsageError(
            "Failed to find REPLICATE_API_TOKEN in the current environment when called with --use-replicate-token"
        )
    return token
