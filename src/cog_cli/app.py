"""The commands by name; each is imported when it is used, so that ``cog --help`` is quick."""

from __future__ import annotations

import importlib
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

COMMANDS: Final = {
    "init": "Start a project in the current directory",
    "build": "Build an image from cog.yaml",
    "push": "Build and push the image to a registry",
    "login": "Log in to a container registry",
    "run": "Run a prediction with a project or an image",
    "predict": "Run a prediction (the older name of run)",
    "serve": "Serve a project or an image over HTTP",
    "exec": "Run a command in the project's environment",
    "plan": "Show what would be built, and why",
    "schema": "Show the inputs and the output of the model",
    "config": "Show the completed configuration",
    "inspect": "Show an image's labels, layers and schema",
    "backends": "Show what can build and run images here",
    "debug": "Print the Dockerfile that would be built",
}
"""Every command and its line in the help, in the order in which people meet them."""


class LazyGroup(TyperGroup):
    """A group of commands that knows their names and imports one when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the parser's signature
        """Return all names."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the parser's signature
        """Import a command, or return None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cog_cli.commands.{cmd_name}_command")
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(name=cmd_name, help=COMMANDS[cmd_name], **getattr(module, "SETTINGS", {}))(module.command)
        return typer.main.get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(cls=LazyGroup, add_completion=True, rich_markup_mode=None, no_args_is_help=True)


def _version(*, value: bool) -> None:
    if value:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and only for this

        from cog_core.values import COMPATIBLE_COG_VERSION  # noqa: PLC0415

        typer.echo(f"cog {version('cog-core')} (compatible with Cog {COMPATIBLE_COG_VERSION})")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Package machine-learning models as standard OCI images, and run them anywhere."""
