"""Command lines of docker: asked once, and again when something changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.docker.clients import Client, find_clients
from cog_core import process
from cog_core.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.process import Command, Completed


class _Counting:
    """Starts programs, and counts."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, command: Command, *, on_line=None) -> Completed:
        self.asked += 1
        return process.run(command, on_line=on_line)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = {"HOME": str(tmp_path / "home"), "COG_CACHE_DIR": str(tmp_path / "cache")}
    return Settings.from_environ({**home, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"})


def _docker(tmp_path: Path, buildx: str, version: str = "28.1.0") -> str:
    file = tmp_path / "bin" / "docker"
    file.parent.mkdir(exist_ok=True)
    plugin = f"echo github.com/docker/buildx v{buildx}" if buildx else "exit 1"
    file.write_text(
        f'#!/bin/sh\n[ "$1" = buildx ] && {{ {plugin}; exit; }}\necho Docker version {version}, build x\n'
    )
    file.chmod(0o755)
    return str(file)


def _ours(found: tuple[Client, ...], program: str) -> Client:
    return next(client for client in found if client.program == program)


def test_a_second_look_starts_nothing(tmp_path: Path, settings: Settings) -> None:
    program, run = _docker(tmp_path, "0.13.1"), _Counting()

    first = find_clients(settings, run)
    asked = run.asked
    second = find_clients(settings, run)

    assert _ours(first, program) == Client(program, "0.13.1", "28.1.0")
    assert second == first
    assert run.asked == asked > 0


def test_another_program_or_plugin_is_asked_again(tmp_path: Path, settings: Settings) -> None:
    program, run = _docker(tmp_path, ""), _Counting()
    assert _ours(find_clients(settings, run), program).buildx == ""

    _docker(tmp_path, "0.20.0", "28.1.10")
    assert _ours(find_clients(settings, run), program) == Client(program, "0.20.0", "28.1.10")

    before = run.asked
    (settings.home / ".docker/cli-plugins").mkdir(parents=True)
    (settings.home / ".docker/cli-plugins/docker-buildx").touch()
    find_clients(settings, run)
    assert run.asked > before


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"PROGRAM": 1}', '{"PROGRAM": {"key": [], "asked": 0}}'])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, settings: Settings, damage: str) -> None:
    program = _docker(tmp_path, "0.13.1")
    settings.cache.mkdir()
    (settings.cache / "docker-clients.json").write_text(damage.replace("PROGRAM", program))

    assert _ours(find_clients(settings, process.run), program).buildx == "0.13.1"


def test_a_broken_program_is_not_remembered(tmp_path: Path, settings: Settings) -> None:
    program = _docker(tmp_path, "")
    (tmp_path / "bin" / "docker").write_text("#!/bin/sh\nexit 1\n")
    assert _ours(find_clients(settings, process.run), program) == Client(program, "", "")

    run = _Counting()
    find_clients(settings, run)

    assert run.asked >= 2
