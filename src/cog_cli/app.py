"""The commands by name; each is imported when it is used, so that ``cog --help`` is quick."""

from __future__ import annotations

import difflib
import importlib
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from cog_cli.session import root as session
from cog_cli.typed import typed

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
    "plugins": "Show which plugins are loaded, and what is wrong with others",
    "debug": "Print the Dockerfile that would be built",
}
"""Every command and its line in the help, in the order in which people meet them."""

MEANT: Final = {
    "infer": "run",
    "inference": "run",
    "prediction": "run",
    "http": "serve",
    "server": "serve",
    "auth": "login",
    "authenticate": "login",
    "dockerfile": "debug",
    "shell": "exec",
    "new": "init",
    "create": "init",
    "doctor": "backends",
    "engines": "backends",
    "explain": "plan",
    "openapi": "schema",
}
"""Words that people try, and the command that they are after."""


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
        single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        settings = {"help": COMMANDS[cmd_name], **getattr(module, "SETTINGS", {})}
        single.command(name=cmd_name, **settings)(typed(module.command))
        return typer.main.get_command(single)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, or end with a suggestion."""
        word = args[0]
        if word not in COMMANDS and not word.startswith("-"):
            session.plugins = not ctx.params.get("no_plugins")
            from cog_cli.strangers import find  # noqa: PLC0415 - only a word that is not ours needs plugins

            added, others = find(word, COMMANDS)
            if added is not None:
                return word, added, args[1:]
            near = [MEANT[word]] if word in MEANT else difflib.get_close_matches(word, [*COMMANDS, *others], n=2)
            sys.stderr.write(f"error: there is no command {word!r}\n")
            suggestion = " or ".join(f"cog {name}" for name in near)
            sys.stderr.write(f"  Did you mean {suggestion}?\n" if near else "  `cog --help` lists all commands.\n")
            raise typer.Exit(2)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        formatter.write_paragraph()
        formatter.write_text("Plugins can add commands; `cog plugins` lists them.")


app = typer.Typer(
    cls=LazyGroup,
    add_completion=True,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(*, value: bool) -> None:
    if value:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and only for this

        from cog_core.values import COMPATIBLE_COG_VERSION  # noqa: PLC0415

        typer.echo(f"cog {version('cog-core')} (compatible with Cog {COMPATIBLE_COG_VERSION})")
        raise typer.Exit


@app.callback()
def root(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and debug messages.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Show no colours.")] = False,
    no_plugins: Annotated[bool, typer.Option("--no-plugins", help="Load no plugins but cog's own.")] = False,
    registry: Annotated[str | None, typer.Option("--registry", hidden=True)] = None,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Package machine-learning models as standard OCI images, and run them anywhere."""
    session.debug = debug
    session.color = not no_color
    session.plugins = not no_plugins
    session.registry = registry
