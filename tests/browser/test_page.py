"""The page itself: how it looks, who can use it, what it says of the server, and what it keeps out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.proxy import below

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import Models, Visits
    from tests.runtime.serving import Server

pytestmark = pytest.mark.engine("chromium")

PHONE = {"width": 390, "height": 844}
FORM = '''
    """A form with a bit of everything."""
    from typing import List, Optional
    from cog import BaseRunner, Input, Path, Secret

    class Runner(BaseRunner):
        """Whose description has a_very_long_word_that_has_no_place_at_which_a_line_could_end_but_has_to_fit."""

        def run(
            self,
            prompt: str = Input(description="What to talk about", default="words " * 30),
            image: Optional[Path] = Input(description="A picture", accept="image/*"),
            style: str = Input(choices=["plain", "bold"], default="bold"),
            strength: float = Input(description="How much", default=0.5, ge=0, le=1),
            tags: List[str] = Input(default=["a"]),
            upscale: bool = Input(default=True),
            settings: dict = Input(default={"depth": 2}),
            api_key: Secret = Input(default=None),
        ) -> dict:
            print("x" * 300)
            if prompt == "fail":
                raise ValueError("y" * 300)
            return {"prompt": prompt * 5, "none": None, "number": 1.5}
    '''
ANYTHING = """
    import base64
    from typing import Any
    from cog import BaseRunner, Path

    DOT = b"GIF89a\\x01\\x00\\x01\\x00\\x00\\x00\\x00;"
    SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" onload="hacked=1"><script>hacked=1</script></svg>'
    HTML = "<script>parent.hacked=1;hacked=1</script><img src=x onerror='hacked=1'>"

    class Runner(BaseRunner):
        def run(self, what: str) -> Any:
            print(HTML)
            encoded = base64.b64encode(HTML.encode()).decode()
            return {
                "text": HTML,
                "svg": {"picture": "data:image/svg+xml," + SVG, HTML: HTML},
                "html": ["data:text/html;base64," + encoded, "data:application/xhtml+xml;base64," + encoded],
                "script": "javascript:hacked=1",
                "json": {HTML: [HTML, {"__proto__": {"hacked": 1}}]},
                "error": None,
            }.get(what) or fail()

    def fail():
        raise ValueError(HTML)
    """
LINKED = """
    from typing import List
    from cog import BaseRunner, Path

    class Runner(BaseRunner):
        def run(self, names: List[str]) -> List[Path]:
            return names
    """
# The ratio of WCAG 2.1, success criterion 1.4.3, of each text that is seen to what lies behind it.
CONTRAST = """() => {
    const channels = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b]
        .map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const found = channels(getComputedStyle(each).backgroundColor);
            if (found.length < 4 || found[3] === 1) return found;
        }
        return [255, 255, 255];
    };
    const poor = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
        const [one, other] = [light(channels(getComputedStyle(element).color)), light(behind(element))];
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (ratio < 4.5) poor.push(`${walker.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
    }
    return poor;
}"""


@pytest.fixture(scope="module")
def form(keep: Models) -> Server:
    return keep(FORM)


def run(page: Page) -> None:
    expect(page.locator("#state")).to_have_text("Ready")
    page.get_by_role("button", name="Run").click()


def is_sound(page: Page) -> None:
    """Check that nothing is cut off at the side, that all can be read, and that controls have names."""
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    assert page.evaluate(CONTRAST) == []
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "textbox", "slider", "spinbutton", "combobox", "switch", "link", "tab", "image"}
    nameless = [
        node["role"]["value"]
        for node in tree
        if not node["ignored"] and node["role"]["value"] in roles and not node.get("name", {}).get("value")
    ]
    assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 900}], ids=["phone", "desk"])
def test_the_page_is_sound_in_every_state(
    form: Server, visit: Visits, scheme: str, viewport: dict[str, int], tmp_path: Path
) -> None:
    page = visit(form, color_scheme=scheme, viewport=viewport, expect=("status of 422",))
    expect(page.locator("#lead")).to_contain_text("Whose description")
    is_sound(page)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", ground)[0]) > 128) == (scheme == "light")
    run(page)
    expect(page.locator("#status")).to_have_text("Succeeded")
    page.locator("#raw summary").click()
    is_sound(page)
    page.screenshot(path=tmp_path / "succeeded.png", full_page=True)
    page.get_by_label("Prompt").fill("fail")
    run(page)
    expect(page.locator("#problem")).to_contain_text("yyy")
    page.get_by_label("Settings").fill("[]")
    run(page)
    expect(page.locator("[data-name=settings] .error")).to_be_visible()
    is_sound(page)
    page.screenshot(path=tmp_path / "failed.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_reference_shows_each_route(form: Server, visit: Visits, scheme: str, tmp_path: Path) -> None:
    page = visit(form, "/docs", color_scheme=scheme, viewport=PHONE)
    predict = page.locator(".route", has=page.get_by_role("heading", name="POST /predictions", exact=True))
    expect(predict).to_contain_text("number, 0 to 1, default 0.5")
    expect(predict.locator("pre").first).to_contain_text('"style": "bold"')
    for heading in ("POST /predictions/{prediction_id}/cancel", "GET /health-check"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    is_sound(page)
    page.screenshot(path=tmp_path / "docs.png", full_page=True)
    page.get_by_role("link", name="Try it").click()
    expect(page.get_by_role("button", name="Run")).to_be_visible()


def test_the_keyboard_is_enough(form: Server, visit: Visits) -> None:
    page = visit(form)
    expect(page.locator("#state")).to_have_text("Ready")
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        if seen[-1] == "reset":
            break
    assert {"run", "reset"} <= set(seen)
    style = page.get_by_label("Style")
    style.focus()
    page.keyboard.press("ArrowUp")
    page.get_by_label("Upscale").focus()
    page.keyboard.press("Space")
    page.get_by_label("Strength, slider").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_label("Prompt").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#status")).to_have_text("Succeeded")
    page.get_by_role("tab", name="curl").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Python")).to_be_focused()
    code = page.locator("#code")
    expect(code).to_contain_text('"style": "plain"')
    expect(code).to_contain_text('"upscale": False')
    expect(code).to_contain_text('"strength": 0.51')


def test_setup_is_watched_until_the_model_is_ready(models: Models, visit: Visits, tmp_path: Path) -> None:
    source = f"""
        import os, time
        from cog import BaseRunner

        class Runner(BaseRunner):
            def setup(self):
                print("loading weights", flush=True)
                while not os.path.exists({str(tmp_path / "gate")!r}):
                    time.sleep(0.02)

            def run(self) -> str:
                return "here"
        """
    server = models(source, wait=False)
    server.wait_for("STARTING")
    page = visit(server)
    expect(page.locator("#state")).to_have_text("Setting up")
    expect(page.locator("#blank")).to_contain_text("loading weights")
    expect(page.get_by_role("button", name="Run")).to_have_attribute("aria-disabled", "true")
    (tmp_path / "gate").touch()
    run(page)
    expect(page.locator("#result")).to_contain_text("here")


def test_a_setup_that_failed_says_why(models: Models, visit: Visits) -> None:
    source = (
        "class Runner:\n    def setup(self):\n        raise ValueError('no weights')\n    def run(self) -> str: ..."
    )
    server = models(source, wait=False)
    server.wait_for("SETUP_FAILED")
    page = visit(server, expect=("ERR_CONNECTION_REFUSED",))
    expect(page.locator("#state")).to_have_text("Setup failed")
    expect(page.locator("#blank")).to_contain_text("ValueError: no weights")
    is_sound(page)
    server.end()
    expect(page.locator("#state")).to_have_text("No answer")


def test_a_token_is_asked_for_and_kept_in_the_tab_alone(models: Models, visit: Visits) -> None:
    page = visit(
        models("class Runner:\n    def run(self, n: int) -> int:\n        return n", COG_AUTH_TOKEN="sesame"),
        expect=("status of 401",),
    )
    token = page.get_by_label("Token")
    token.fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="does not accept")).to_be_visible()
    is_sound(page)
    token.fill("sesame")
    page.keyboard.press("Enter")
    page.get_by_label("N", exact=True).fill("5")
    run(page)
    expect(page.locator("#result")).to_have_text("5")
    assert "sesame" not in page.content()
    assert "$COG_AUTH_TOKEN" in page.locator("#code").inner_text()
    stored = "[JSON.stringify({...localStorage}), document.cookie, JSON.stringify({...sessionStorage})]"
    assert page.evaluate(stored) == ["{}", "", '{"cog-token":"sesame"}']
    page.goto(page.url + "docs")
    expect(page.locator("#routes")).to_contain_text("/predictions")
    page.goto(page.url.removesuffix("docs"))
    page.get_by_role("button", name="Forget the token").click()
    expect(page.get_by_label("Token")).to_be_visible()


def test_it_works_below_a_path(form: Server, visit: Visits) -> None:
    with below(form, "/models/form") as address:
        page = visit(address, "/models/form/")
        expect(page.locator("#code")).to_contain_text(f"{address}/models/form/predictions")
        run(page)
        expect(page.locator("#status")).to_have_text("Succeeded")
        page.get_by_role("link", name="API").click()
        expect(page.locator("#routes")).to_contain_text("/predictions")
        page.context.close()


def test_nothing_that_a_model_says_can_run(models: Models, visit: Visits) -> None:
    page = visit(models(ANYTHING))
    for what in ("text", "svg", "html", "script", "json", "error"):
        page.get_by_role("textbox", name="What").fill(what)
        with page.expect_response("**/predictions/*?wait=*"):
            run(page)
        expect(page.locator("#status")).to_have_text("Failed" if what == "error" else "Succeeded")
        assert page.evaluate("window.hacked === undefined && ({}).hacked === undefined")
        assert page.locator("#output :is(script, iframe, object, embed, svg)").count() == 0
        assert page.locator("#output a[href^='javascript']").count() == 0
        assert page.locator("#output img").count() == (what == "svg")
    refused = page.evaluate("(() => { try { document.body.innerHTML = '<b>'; } catch (e) { return e.name; } })()")
    assert refused == "TypeError"
    visit.problems[:] = [each for each in visit.problems if "requires 'TrustedHTML'" not in each]


def test_files_behind_addresses_are_shown_by_their_kind(models: Models, visit: Visits) -> None:
    page = visit(models(LINKED))
    page.route("http://files.example/**", lambda route: route.fulfill(status=404))
    names = ["a.png", "b.mp3", "c.mp4", "d.zip"]
    page.route(
        "**/predictions/*",
        lambda route: route.fulfill(json=answer([f"http://files.example/{name}" for name in names])),
    )
    run(page)
    expect(page.locator("#result li")).to_have_count(4)
    expect(page.locator("#result audio")).to_have_attribute("src", "http://files.example/b.mp3")
    expect(page.locator("#result video")).to_have_attribute("src", "http://files.example/c.mp4")
    expect(page.get_by_role("link", name="d.zip")).to_have_attribute("href", "http://files.example/d.zip")
    expect(page.locator("#result li").first).to_contain_text("The browser cannot show this.")
    assert {each for each in visit.problems if "files.example" not in each and "404" not in each} == set()
    visit.problems.clear()


def answer(output: object) -> dict[str, object]:
    return {"id": "x", "status": "succeeded", "output": output, "logs": "", "metrics": {}}


def test_files_in_the_answer_are_shown_by_their_kind(models: Models, visit: Visits) -> None:
    source = """
        from typing import List
        from cog import BaseRunner

        class Runner(BaseRunner):
            def run(self) -> List[str]:
                return ["data:text/csv,a%2Cb%0A1%2C2", "data:audio/wav;base64,UklGRg==", "data:video/mp4;base64,AAAA",
                        "data:application/zip;base64,UEs=", "data:broken"]
        """
    page = visit(models(source))
    run(page)
    items = page.locator("#result li")
    expect(items).to_have_count(5)
    expect(items.nth(0).locator("pre")).to_have_text("a,b\n1,2")
    expect(items.nth(3)).to_contain_text("application/zip, 2 bytes")
    expect(items.nth(4)).to_contain_text("data:broken")


def test_a_model_with_training_offers_both(models: Models, visit: Visits) -> None:
    source = """
        from cog import BaseRunner

        class Runner(BaseRunner):
            def run(self, prompt: str) -> str:
                return prompt

        def train(steps: int = 3) -> int:
            return steps * 2
        """
    page = visit(models(source, train=True, COG_TRAIN_TYPE_STUB="predict.py:train"))
    page.get_by_role("tab", name="Train").click()
    page.get_by_label("Steps").fill("4")
    run(page)
    expect(page.locator("#result")).to_have_text("8")
    expect(page.locator("#code")).to_contain_text("/trainings")


def test_a_model_without_a_schema_takes_json(models: Models, visit: Visits, tmp_path: Path) -> None:
    source = "class Runner:\n    def run(self, n: int) -> int:\n        return n + 1"
    server = models(source, COG_SCHEMA=str(tmp_path / "none.json"))
    page = visit(server, expect=("status of 503",))
    page.get_by_label("Input as JSON").fill('{"n": 4}')
    run(page)
    expect(page.locator("#result")).to_have_text("5")
