"""The server's start: settings, then the worker, then everything that takes time to import."""

from __future__ import annotations

import os
import signal
import sys
from typing import Callable, Sequence

from cog_runtime.server import settings as configuration
from cog_runtime.server.spawn import Process, spawn


def main(arguments: Sequence[str], *, bundle: str) -> int:
    """Run a server and return its exit status.

    Args:
        arguments: The command line without the program.
        bundle: The folder with ``server``, ``worker`` and ``sdk``.
    """
    try:
        settings = configuration.read(arguments)
        variables = _certificates(settings)
    except (configuration.UsageError, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    configuration.own_environment(variables)
    _leave_when_told(None, explicit_shutdown=settings.explicit_shutdown)
    command = settings.worker_command or _own_worker(bundle)
    environ = {**settings.environ, **variables}
    try:
        process = spawn(command, environ)
    except OSError as error:
        sys.stderr.write(f"cannot start the worker {command[0]}: {error}\n")
        return 1
    _leave_when_told(process, explicit_shutdown=settings.explicit_shutdown)
    try:
        return _serve(settings, process, lambda: spawn(command, environ), _tracing(bundle))
    except BaseException:
        process.kill()
        raise


def _serve(
    settings: configuration.Settings, process: Process, again: Callable[[], Process], tracing: tuple[str, ...]
) -> int:
    # The worker imports the model meanwhile.
    from cog_runtime.server.log import Log  # noqa: PLC0415
    from cog_runtime.server.serve import serve  # noqa: PLC0415

    log = Log(settings.log_level, console=settings.log_console)
    for warning in settings.warnings:
        log.warning(warning)
    return serve(settings, process, log, again, tracing)


def _leave_when_told(process: Process | None, *, explicit_shutdown: bool) -> None:
    """Listen to signals until the event loop does: the first process of a container ignores them by default."""

    def leave(*_: object) -> None:
        if process is not None:
            process.kill()
        # An exception out of a half-imported extension module would end in a crash.
        os._exit(0)

    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if explicit_shutdown else leave)


def _own_worker(bundle: str) -> tuple[str, ...]:
    return (configuration.interpreter(), os.path.join(bundle, "worker", "__main__.py"))  # noqa: PTH118 - no pathlib yet


def _tracing(bundle: str) -> tuple[str, ...]:
    return (configuration.interpreter(), os.path.join(bundle, "worker", "cog_runtime", "worker", "tracing.py"))  # noqa: PTH118 - no pathlib yet


def _certificates(settings: configuration.Settings) -> dict[str, str]:
    if settings.ca_cert is None:
        return {}
    from cog_runtime.server.certificates import variables_for  # noqa: PLC0415 - few need it

    return variables_for(settings.ca_cert, settings.environ)
