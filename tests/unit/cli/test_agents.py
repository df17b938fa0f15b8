"""What ``--ssh`` means, and what it refuses."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from cog_cli.given_agents import given_agents
from cog_core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """Return a socket as agents have one; its path is relative, because sockets have short ones."""
    before = os.open(".", os.O_RDONLY)
    os.chdir(tmp_path)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("agent")
            yield tmp_path / "agent"
    finally:
        os.fchdir(before)
        os.close(before)


def test_the_default_is_the_user_s_own_agent(agent: Path) -> None:
    assert given_agents(["default"], agent.parent, {"SSH_AUTH_SOCK": str(agent)}) == {"default": agent}


def test_an_agent_is_named_with_its_socket(agent: Path) -> None:
    given = given_agents(["default=agent", f"work={agent}"], agent.parent, {})

    assert given == {"default": agent, "work": agent}


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["default"], "needs the variable SSH_AUTH_SOCK"),
        (["work="], "needs the variable SSH_AUTH_SOCK"),
        (["work=nowhere"], "has no socket at"),
        (["work=."], "has no socket at"),
        (["a,b=agent"], "'a,b' is no id"),
        (["=agent"], "'' is no id"),
        (["work=agent", "work=agent"], "is given twice"),
    ],
)
def test_what_is_no_agent_is_refused(texts: list[str], reason: str, agent: Path) -> None:
    with pytest.raises(UsageError, match=reason):
        given_agents(texts, agent.parent, {})
