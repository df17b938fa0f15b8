"""A researcher starts from nothing: init, build, inspect, run, serve, and a question over HTTP."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.program import Program

PICTURE = EXAMPLES / "digits" / "samples" / "seven.png"


@pytest.mark.timeout(600)
def test_from_an_empty_folder_to_an_answer_over_http(cog: Program, project: Path) -> None:
    cog.well("init")
    configuration = project / "cog.yaml"
    configuration.write_text(configuration.read_text("utf-8").replace('"3.13"', '"3.11"'), "utf-8")
    tag = f"cog-{project.name}"

    built = cog.well("build")
    assert f"Image built as {tag}" in built.err
    assert built.out == ""

    seen = json.loads(cog.well("inspect", "--json", tag).out)
    assert seen["labels"]["run.cog.has_init"] == "true"
    assert json.loads(seen["labels"]["run.cog.config"])["predict"] == "run.py:Runner"

    ran = cog.well("run", "-i", f"image=@{PICTURE}", "-o", "answer.png")
    assert "Written output to: answer.png" in ran.err
    assert (project / "answer.png").read_bytes().startswith(b"\x89PNG")

    with cog.start("serve", "--port", "0") as server:
        address = server.wait_for("Serving at").split("Serving at ")[1].split()[0]
        picture = "data:image/png;base64," + base64.b64encode(PICTURE.read_bytes()).decode()
        answer = ask(address, {"image": picture, "scale": 2})
        assert answer["status"] == "succeeded"
        assert answer["output"].startswith("data:image/png;base64,")
        assert server.end() == 0


def ask(address: str, given: dict[str, object]) -> dict[str, str]:
    request = urllib.request.Request(
        f"{address}/predictions",
        data=json.dumps({"input": given}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer: dict[str, str] = json.load(response)
    return answer
