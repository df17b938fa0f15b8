"""What docs/how-to/operate-a-server.md shows, asked of a server that is set up as it says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runtime.serving import until

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "operate-a-server.md"
HEAD, *PARTS = PAGE.read_text("utf-8").split("\n## ")
SECTIONS = {part.splitlines()[0]: part for part in PARTS}
SOURCE = re.findall(r"```python\n(.*?)```", HEAD, re.DOTALL)[0]
COMMANDS = re.compile(r"```console\n(.*?)```", re.DOTALL)
VARYING = (
    (r"pred_\w+", "pred_…"),
    (r"(x-request-id: ).*", r"\1…"),
    (r"(date: ).*", r"\1…"),
    (r'("predict_time":|cog_predict_seconds_sum )[\d.e-]+', r"\1…"),
)


def plain(text: str) -> str:
    """Return what is the same each time."""
    for varying, instead in VARYING:
        text = re.sub(varying, instead, text)
    return text


def check(block: str, folder: Path, port: int) -> None:
    """Do what a block does, and compare what is said."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, wanted = part.partition("\n")
        found = subprocess.run(
            ["bash", "-c", command.replace("localhost:5000", f"localhost:{port}")],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        said = found.stdout.replace("\r\n", "\n")
        assert plain(said).rstrip() == plain(wanted).rstrip(), (command, found.stderr)


def is_listening(server: Server) -> bool:
    return '"Server ready"' in server.log


@pytest.mark.parametrize("title", SECTIONS)
def test_each_answer_is_as_it_stands_there(serve: Servers, tmp_path: Path, title: str) -> None:
    before, docker, after = re.split(r"^    (docker run .*)$", SECTIONS[title], flags=re.MULTILINE)
    for block in COMMANDS.findall(before):
        check(block, tmp_path, 0)
    variables = dict(pair.split("=", 1) for pair in re.findall(r"-e (\S+)", docker))
    server = serve(
        SOURCE, wait=False, **{name: value.replace("/tls/", f"{tmp_path}/tls/") for name, value in variables.items()}
    )
    until(lambda: is_listening(server), server)
    for block in COMMANDS.findall(after):
        check(block, tmp_path, server.port)
