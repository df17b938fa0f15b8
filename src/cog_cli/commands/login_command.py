"""``cog login``."""

import sys
import webbrowser
from typing import Annotated

import typer

from cog_cli import login
from cog_cli.declared import Argument, Option
from cog_cli.render.console import say
from cog_cli.session import settings as read_settings
from cog_core import process
from cog_core.errors import UsageError
from cog_core.settings import Settings
from cog_oci.credentials import Login

SETTINGS = {
    "help": "Log in to a container registry: Replicate's by default, or any other registries with username and "
    "password. The login is kept where docker and podman find it."
}


def command(
    *,
    registry: Annotated[
        str | None, Argument(metavar="REGISTRY", help="Host of the registry; by default COG_REGISTRY_HOST.")
    ] = None,
    username: Annotated[str | None, Option("-u", "--username", help="User name, instead of being asked.")] = None,
    token_stdin: Annotated[bool, Option("--token-stdin", help="Read token or password from standard input.")] = False,
) -> None:
    """Log in to a container registry."""
    settings = read_settings()
    host = registry or settings.registry
    if host == login.REPLICATE:
        _replicate(settings, host, token_stdin=token_stdin)
    else:
        _generic(settings, host, username, token_stdin=token_stdin)


def _replicate(settings: Settings, host: str, *, token_stdin: bool) -> None:
    if token_stdin:
        token = sys.stdin.read().strip()
    else:
        _need_terminal("--token-stdin")
        say("This logs Docker and Cog in to Replicate's registry, with a token from its website.")
        typer.prompt("Hit enter to get started. A browser will open", default="", show_default=False, err=True)
        page = login.token_page(settings)
        say(f"If it does not open, visit: {page}")
        webbrowser.open(page)
        token = str(typer.prompt("Token", hide_input=True, err=True)).strip()
    found = login.replicate_login(token, settings)
    login.save(host, found, settings, process.run)
    say(f"You've successfully authenticated as {found.username}! You can now use the {host} registry.")


def _generic(settings: Settings, host: str, username: str | None, *, token_stdin: bool) -> None:
    if token_stdin and not username:
        raise UsageError("--token-stdin needs --username for this registry", hint="Add -u NAME.")
    say(f"Logging in to {host}")
    if token_stdin:
        password = sys.stdin.read().strip()
    else:
        _need_terminal("-u NAME --token-stdin")
        username = username or str(typer.prompt("Username", default="", show_default=False, err=True)).strip()
        if not username:
            raise UsageError("username cannot be empty")
        password = str(typer.prompt("Password", default="", show_default=False, hide_input=True, err=True))
    if not password:
        raise UsageError("password cannot be empty")
    found = Login(username or "", password)
    login.check(host, found, settings)
    place = login.save(host, found, settings, process.run)
    say(f"Login succeeded for {host} (kept in {place})")


def _need_terminal(instead: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("this login asks questions and needs a terminal", hint=f"Without one: {instead}")
