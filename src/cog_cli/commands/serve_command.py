"""``cog serve``."""

import math
from typing import Annotated

from cog_cli import options
from cog_cli.declared import Option
from cog_cli.given import environment
from cog_cli.older_flags import accepting
from cog_cli.render.progress import mode_of, tell
from cog_cli.session import settings as read_settings
from cog_cli.starting import opened, started
from cog_core.backend import Container
from cog_core.errors import PredictionError, UsageError
from cog_core.predictions import RunOptions

_LOOK_SECONDS = 1.0
_LOG_FORMATS = {"json": "json", "text": "console"}


@accepting("use_cog_base_image", "use_cuda_base_image")
def command(
    *,
    target: options.Target = ".",
    port: Annotated[int, Option("-p", "--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8393,
    host: Annotated[str, Option("--host", help="Address to listen on.")] = "127.0.0.1",
    upload_url: Annotated[
        str | None, Option("--upload-url", metavar="URL", help="Where the server uploads output files to.")
    ] = None,
    log_format: Annotated[
        str | None,
        Option("--log-format", metavar="FORMAT", help="Show what the server logs: json or text."),
    ] = None,
    env: options.Env = None,
    setup_timeout: options.SetupTimeout = None,
    gpus: options.Gpus = None,
    file: options.File = None,
    backend: options.Backend = None,
    strict: options.Strict = False,
    progress: options.Progress = None,
) -> None:
    """Serve a project or an image over HTTP until Ctrl-C, which ends it with status 0."""
    settings = read_settings()
    mode = mode_of(progress, settings)
    run_options = RunOptions(
        environment={**_logging(log_format), **environment(env or (), settings)},
        address=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        gpus=gpus,
        setup_timeout=math.inf if setup_timeout is None else setup_timeout,
        healthy=False,
        arguments=("--upload-url", upload_url) if upload_url else (),
        on_line=lambda _, line: tell(mode, line),
    )
    try:
        model = opened(target, mode=mode, file=file, backend=backend, strict=strict, settings=settings)
        with started(model, run_options, mode=mode, backend=backend, settings=settings) as served:
            tell(mode, f"Serving at {_address(host, served.client.port, served.client.scheme)}")
            status = _until_the_end(served.container)
    except KeyboardInterrupt:
        tell(mode, "Stopped")
        return
    if status:
        raise PredictionError(f"container exited with status {status}")


def _logging(form: str | None) -> dict[str, str]:
    """Return variables, which images of other builders know too, and not the option, which they do not."""
    if form is None:
        return {}
    if form not in _LOG_FORMATS:
        raise UsageError(f"unknown log format {form!r}", hint=f"Use one of {', '.join(_LOG_FORMATS)}.")
    return {"LOG_FORMAT": _LOG_FORMATS[form], "COG_LOG_FORMAT": form, "COG_LOG_LEVEL": "info"}


def _until_the_end(container: Container) -> int:
    """Wait in small pieces, so that a signal is seen whatever the backend waits for."""
    while (status := container.wait(_LOOK_SECONDS)) is None:
        pass
    return status


def _address(host: str, port: int, scheme: str) -> str:
    local = f"{scheme}://localhost:{port}"
    if host in {"127.0.0.1", "localhost"}:
        return local
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}:{port} ({local})" if host in {"0.0.0.0", "::"} else f"{scheme}://{name}:{port}"  # noqa: S104
