"""Models tried in a browser: the form is filled in, the model runs, and its output is seen."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EXAMPLES
from tests.runtime.serving import until

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import Models, Visits
    from tests.runtime.serving import Server

pytestmark = pytest.mark.engine("chromium")

LIGHTHOUSE = EXAMPLES / "outline" / "samples" / "lighthouse.png"
ALL_KINDS = '''
    """Takes everything that a form can hold."""
    import sys
    from typing import Any, Dict, List, Optional, Union
    from cog import BaseRunner, Input, Path, Secret

    class Runner(BaseRunner):
        """Answers with what it was given, and says ``so``.

        Its lines are
        wrapped.
        """

        def run(
            self,
            prompt: str = Input(description="What to talk about", min_length=2),
            style: str = Input(choices=["plain", "bold"], default="bold"),
            strength: float = Input(default=0.5, ge=0, le=1),
            steps: int = Input(default=20, ge=1, le=50),
            upscale: bool = Input(default=True),
            seed: Optional[int] = Input(default=None),
            sure: Optional[bool] = Input(default=None),
            count: int = Input(default=1, le=3),
            tags: List[str] = Input(default=["a"]),
            pages: Optional[List[Path]] = Input(default=None),
            settings: Dict[str, Any] = Input(default={"depth": 2}),
            either: Union[int, str] = Input(default=1),
            api_key: Secret = Input(default=None),
        ) -> Dict[str, Any]:
            print("working", file=sys.stderr)
            found = dict(locals())
            del found["self"]
            found["pages"] = [page.read_text() for page in pages or []]
            found["api_key"] = api_key.get_secret_value() if api_key else None
            return found
    '''
GATED = """
    import os, sys, time
    from cog import BaseRunner, ConcatenateIterator{imports}

    class Runner(BaseRunner):
        {decorator}
        def run(self, gate: str) -> ConcatenateIterator[str]:
            yield "one"
            yield " two"
            print("\\r 10%|#", end="", file=sys.stderr, flush=True)
            print("\\r 40%|####", file=sys.stderr, flush=True)
            while not os.path.exists(gate):
                time.sleep(0.02)
            yield " three"
    """


@pytest.fixture(scope="module")
def kinds(keep: Models) -> Server:
    return keep(ALL_KINDS)


@pytest.fixture(scope="module")
def hello(keep: Models) -> Server:
    return keep.example("hello")


def run(page: Page) -> None:
    expect(page.locator("#state")).to_have_text("Ready")
    page.get_by_role("button", name="Run").click()


def succeeded(page: Page) -> None:
    expect(page.locator("#status")).to_have_text("Succeeded")


def drop(page: Page, field: str, *files: Path) -> None:
    """Drop files where a visitor would."""
    contents = [(file.name, base64.b64encode(file.read_bytes()).decode()) for file in files]
    make = """(files) => {
        const transfer = new DataTransfer();
        for (const [name, data] of files) {
            const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
            const type = name.endsWith('.png') ? 'image/png' : 'text/plain';
            transfer.items.add(new File([bytes], name, { type }));
        }
        return transfer;
    }"""
    transfer = page.evaluate_handle(make, contents)
    place = page.locator(f"[data-name={field}] :is(.file, .list)").first
    for event in ("dragover", "drop"):
        place.dispatch_event(event, {"dataTransfer": transfer})


def test_hello(hello: Server, visit: Visits) -> None:
    page = visit(hello)
    expect(page.get_by_role("heading", level=1)).to_have_text("The smallest model: one string in, one string out")
    expect(page.locator("#lead")).to_have_text("Greets people.")
    name = page.get_by_label("Name")
    expect(name).to_have_value("world")
    name.fill("<b>you</b>")
    run(page)
    succeeded(page)
    expect(page.locator("#result .prose")).to_contain_text("Hello, <b>you</b>!")
    expect(page.locator("#metrics")).to_contain_text("in the model")


@pytest.mark.engine("index")
def test_outline_takes_a_dropped_picture_and_shows_those_it_draws(models: Models, visit: Visits) -> None:
    page = visit(models.example("outline"))
    drop(page, "image", LIGHTHOUSE)
    expect(page.locator(".chosen")).to_contain_text("lighthouse.png")
    page.get_by_label("Threshold", exact=True).fill("30")
    run(page)
    pictures = page.locator("#result figure img")
    expect(pictures).to_have_count(4)
    succeeded(page)
    widths = pictures.evaluate_all(
        "(all) => Promise.all(all.map((each) => each.decode().then(() => each.naturalWidth)))"
    )
    assert min(widths) > 100
    with page.expect_download() as download:
        page.get_by_role("link", name="Download output.4.png").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


@pytest.mark.engine("index")
def test_digits_answers_with_json(models: Models, visit: Visits) -> None:
    page = visit(models.example("digits"))
    page.get_by_label("Image", exact=True).set_input_files(EXAMPLES / "digits" / "samples" / "seven.png")
    run(page)
    succeeded(page)
    assert json.loads(page.locator("#result .json").inner_text())["digit"] == 7


def test_chat(models: Models, visit: Visits) -> None:
    page = visit(models.example("chat"))
    page.get_by_label("Seed").fill("7")
    run(page)
    succeeded(page)
    assert len(page.locator("#result .prose").inner_text().split()) >= 40


@pytest.mark.parametrize(
    ("imports", "decorator"), [(", streaming", "@streaming"), ("", "")], ids=["streamed", "not streamed"]
)
def test_output_logs_and_progress_are_seen_before_the_end(
    imports: str, decorator: str, models: Models, visit: Visits, tmp_path: Path
) -> None:
    page = visit(models(GATED.format(imports=imports, decorator=decorator)))
    page.get_by_label("Gate").fill(str(tmp_path / "gate"))
    run(page)
    expect(page.locator("#result .prose")).to_have_text("one two")
    expect(page.locator("#logs pre")).to_have_text(re.compile("^ 40%"))
    expect(page.locator("#progress")).to_have_attribute("value", "40")
    expect(page.locator("#status")).to_have_text("Running")
    (tmp_path / "gate").touch()
    succeeded(page)
    expect(page.locator("#result .prose")).to_have_text("one two three")


def test_every_kind_of_input_reaches_the_model(kinds: Server, visit: Visits, tmp_path: Path) -> None:
    page = visit(kinds)
    expect(page.locator("#lead")).to_have_text("Answers with what it was given, and says so.Its lines are wrapped.")
    page.get_by_label("Prompt").fill("two\nlines")
    page.get_by_label("Style").select_option("plain")
    page.get_by_label("Strength, slider").fill("0.25")
    page.get_by_label("Steps", exact=True).fill("7")
    page.get_by_label("Upscale").uncheck()
    page.get_by_label("Seed").fill("42")
    page.get_by_label("Sure").select_option("No")
    tags = page.get_by_role("group", name="Tags")
    tags.get_by_role("button", name="Add one").click()
    tags.get_by_label("Tags 2", exact=True).fill("b")
    for name in ("x.txt", "y.txt"):
        (tmp_path / name).write_text(name)
    drop(page, "pages", tmp_path / "x.txt", tmp_path / "y.txt")
    expect(page.get_by_role("group", name="Pages").locator(".chosen b")).to_have_text(["x.txt", "y.txt"])
    page.get_by_label("Settings").fill('{"depth": [1, null]}')
    page.get_by_label("Either").fill("text")
    page.get_by_label("Api Key").fill("hush")
    assert page.get_by_label("Api Key").get_attribute("type") == "password"
    assert "hush" not in page.locator("#code").inner_text()
    run(page)
    succeeded(page)
    assert json.loads(page.locator("#result .json").inner_text()) == {
        "prompt": "two\nlines",
        "style": "plain",
        "strength": 0.25,
        "steps": 7,
        "upscale": False,
        "seed": 42,
        "sure": False,
        "count": 1,
        "tags": ["a", "b"],
        "pages": ["x.txt", "y.txt"],
        "settings": {"depth": [1, None]},
        "either": "text",
        "api_key": "hush",
    }


def test_what_is_wrong_is_said_beside_its_field(kinds: Server, visit: Visits) -> None:
    page = visit(kinds, expect=("status of 422",))
    settings, count, prompt = (page.get_by_label(name) for name in ("Settings", "Count", "Prompt"))
    settings.fill("{")
    run(page)
    expect(page.locator("[data-name=settings] .error")).to_contain_text("This is not JSON")
    expect(settings).to_be_focused()
    settings.fill("{}")
    count.fill("9")
    run(page)
    expect(page.locator("[data-name=count] .error")).to_have_text("9 is greater than the maximum of 3")
    expect(page.locator("[data-name=prompt] .error")).to_have_text("Field required")
    expect(count).to_have_attribute("aria-invalid", "true")
    assert count.get_attribute("aria-describedby") == page.locator("[data-name=count] .error").get_attribute("id")
    count.fill("3")
    expect(page.locator("[data-name=count] .error")).to_be_hidden()
    prompt.fill("fine")
    run(page)
    succeeded(page)
    page.get_by_role("button", name="Reset").click()
    expect(prompt).to_have_value("")
    expect(page.locator(".error:visible")).to_have_count(0)


def test_a_prediction_can_be_cancelled(models: Models, visit: Visits) -> None:
    source = """
        import time
        from cog import BaseRunner

        class Runner(BaseRunner):
            def run(self) -> str:
                for _ in range(2000):
                    time.sleep(0.02)
                return "never"
        """
    server = models(source)
    page = visit(server)
    run(page)
    expect(page.locator("#state")).to_have_text("Ready")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#status")).to_have_text("Cancelled")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(page.get_by_role("button", name="Run")).to_be_focused()
    run(page)
    until(lambda: server.health["runtime"]["running"] == 1)
    page.close()
    until(lambda: server.health["runtime"]["running"] == 0)


def test_a_failure_is_shown_with_its_logs(models: Models, visit: Visits) -> None:
    source = """
        class Runner:
            def run(self) -> str:
                print("so far")
                raise ValueError("no <i>good</i>")
        """
    page = visit(models(source))
    run(page)
    expect(page.locator("#problem")).to_have_text("Prediction failed: ValueError: no <i>good</i>")
    expect(page.locator("#logs pre")).to_contain_text("so far")
    expect(page.locator("#logs pre")).to_be_visible()


def test_the_request_works_as_it_is_copied(hello: Server, visit: Visits, tmp_path: Path) -> None:
    page = visit(hello)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    name = 'it\'s "$HOME" `id` \\ \u00e9\n\U0001f600'
    page.get_by_label("Name").fill(name)
    for language, program in (("curl", ["bash", "-c"]), ("Python", [sys.executable, "-c"])):
        page.get_by_role("tab", name=language).click()
        page.get_by_title("Copy the request").click()
        expect(page.get_by_title("Copy the request")).to_have_text("Copied")
        said = subprocess.run(
            [*program, page.evaluate("navigator.clipboard.readText()")], capture_output=True, text=True, check=True
        ).stdout
        answer = json.loads(said) if language == "curl" else eval(said)
        assert answer["output"] == f"Hello, {name}!"
    page.get_by_role("tab", name="JavaScript").click()
    assert json.dumps(name, ensure_ascii=False) in page.locator("#code").inner_text()


def test_a_request_with_files_names_them(models: Models, visit: Visits, tmp_path: Path) -> None:
    source = """
        from typing import List
        from cog import BaseRunner, Path

        class Runner(BaseRunner):
            def run(self, pages: List[Path], name: str) -> str:
                return name + "".join(page.read_text() for page in pages)
        """
    page = visit(models(source))
    (tmp_path / "it's 1.txt").write_text("one")
    (tmp_path / "2.txt").write_text("two")
    drop(page, "pages", tmp_path / "it's 1.txt", tmp_path / "2.txt")
    page.get_by_label("Name").fill("$1 `id` \\n ")
    code = page.locator("#code")
    expect(code).to_contain_text("2.txt")
    for language, program in (("curl", ["bash", "-c"]), ("Python", [sys.executable, "-c"])):
        page.get_by_role("tab", name=language).click()
        done = subprocess.run([*program, code.inner_text()], capture_output=True, text=True, check=True, cwd=tmp_path)
        answer = json.loads(done.stdout) if language == "curl" else eval(done.stdout)
        assert answer["output"] == "$1 `id` \\n onetwo"
