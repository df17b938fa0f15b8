"""The page for browsers, as HTTP has it; tests/browser looks at it with a browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

SOURCE = '''
    """Counts, in ``steps``.

    One after the other.
    """

    class Runner:
        """Says
            what it counts.
        """

        def run(self, n: int) -> int:
            """Not said, because the class says enough."""
            return n
    '''
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
PAGE = Path(__file__).resolve().parents[2] / "src" / "cog_runtime" / "server" / "page"
FILES = sorted(path.name for path in PAGE.iterdir())
_MOST = 75_000
_ELSEWHERE = r"""(src|href)=["']?(https?:|//)|@import|\burl\(["']?[^)'"]*:|from ['"]https?:|innerHTML|\beval\("""
BOILERPLATE = "Run a single prediction on the model"


@pytest.fixture(scope="module")
def plain(keep: Servers) -> Server:
    return keep(SOURCE)


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "application/json, text/html", "TEXT/HTML;q=0.9, */*"])
def test_who_asks_for_html_gets_the_page(plain: Server, accept: str) -> None:
    reply = plain.request("GET", "/", Accept=accept)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["vary"] == "accept"
    assert reply.body == (PAGE / "index.html").read_bytes()


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "text/plain",
        "text/html;q=0",
        "text/html;q=x",
        "application/json, text/html;q=0.5",
    ],
)
def test_everybody_else_gets_the_document(plain: Server, accept: str) -> None:
    reply = plain.request("GET", "/", Accept=accept)
    assert reply.headers["content-type"] == "application/json"
    assert not {"vary", "etag", "content-security-policy", "cache-control"} & set(reply.headers)
    assert reply.json()["predictions_url"] == "/predictions"


@pytest.mark.parametrize("name", FILES)
def test_files_carry_their_type_and_a_policy_and_are_sent_once(plain: Server, name: str) -> None:
    reply = plain.request("GET", f"/page/{name}")
    kinds = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
    assert reply.headers["content-type"].partition(";")[0] == kinds[Path(name).suffix]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-cache"
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in reply.headers["content-security-policy"]
    assert "unsafe" not in reply.headers["content-security-policy"]
    again = plain.request("GET", f"/page/{name}", If_None_Match=reply.headers["etag"])
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", reply.headers["etag"])


@pytest.mark.parametrize("name", ["..%2Fapp.py", "%2e%2e/app.py", "", "x", "../page/index.html"])
def test_nothing_else_is_a_file(plain: Server, name: str) -> None:
    assert plain.request("GET", f"/page/{name}").status == 404
    assert plain.request("POST", "/page/main.js").status == 405


def test_the_page_is_small_and_asks_nobody_else() -> None:
    assert sum((PAGE / name).stat().st_size for name in FILES) < _MOST
    for name in FILES:
        text = (PAGE / name).read_text("utf-8")
        assert not re.search(_ELSEWHERE, text), name
        if name.endswith(".html"):
            assert not re.search(r"<script(?! type=\"module\" src=)|<style|\son\w+=|style=", text), name


def test_the_author_s_words_are_told_once_the_model_is_set_up(plain: Server) -> None:
    said = plain.get("/about")
    assert said == {"description": "Counts, in ``steps``.\n\nOne after the other.\n\nSays\nwhat it counts."}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('class Runner:\n    def run(self, n: int) -> int:\n        """Doubles."""\n        return n', "Doubles."),
        (f'class Runner:\n    def run(self) -> int:\n        """{BOILERPLATE}"""\n        return 1', ""),
        (
            '"""A file."""\n\ndef Runner(n: int) -> int:\n    """A function."""\n    return n',
            "A file.\n\nA function.",
        ),
        ('class Base:\n    """Inherited."""\n\nclass Runner(Base):\n    def run(self) -> int:\n        return 1', ""),
    ],
)
def test_a_description_is_the_model_s_own(serve: Servers, source: str, said: str) -> None:
    assert serve(source).get("/about") == {"description": said}


def test_with_a_token_the_page_is_open_and_the_model_is_not(serve: Servers) -> None:
    server = serve(SOURCE, COG_AUTH_TOKEN="sesame")
    for path in ("/", "/docs", "/page/main.js"):
        assert server.request("GET", path, Accept=BROWSER).status == 200
    for path in ("/", "/docs"):
        assert server.request("GET", path).status == 401
    for path in ("/about", "/openapi.json", "/predictions", "/metrics"):
        assert server.request("GET", path, Accept=BROWSER).status == 401
