"""A browser that looks at models that run, and complains about what no visitor should meet."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.engines.plugin import provide
from tests.runtime.serving import Servers, make_interpreter, start, this_series, write_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

    from tests.runtime.serving import Interpreter, Server

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
_ROOT_NEEDS = ["--no-sandbox"]
_SOON = 20_000.0

expect.set_options(timeout=_SOON)


class Models(Servers):
    """Starts models; those of one module share what they need."""

    def __init__(self, interpreter: Interpreter, folder: Path, site: Callable[[], Path]) -> None:
        super().__init__(interpreter, folder)
        self._site = site

    def example(self, name: str) -> Server:
        """Start one of the examples, with the packages that it asks for."""
        folder = self.next_folder()
        shutil.copytree(EXAMPLES / name, folder)
        write_model(folder, (folder / "run.py").read_text("utf-8"))
        variables = {"PYTHONPATH": str(self._site())} if (folder / "requirements.txt").exists() else {}
        server = start(self._interpreter, folder, **variables)
        self._started.append(server)
        server.wait_for("READY")
        return server


class Visits:
    """Opens pages, and notes what is wrong with them: errors, refused contents, requests to elsewhere."""

    def __init__(self, browser: Browser) -> None:
        self.problems: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._expected: tuple[str, ...] = ()

    def __call__(
        self, server: Server | str, path: str = "/", *, expect: tuple[str, ...] = (), **options: Any
    ) -> Page:
        """Open a page.

        Args:
            server: The model, or an address.
            path: Which of its pages.
            expect: What the console may say here.
            options: Of the browser: ``color_scheme``, ``viewport``.
        """
        self._expected = expect
        # Animations cost as much as all the rest together where the processor draws.
        context = self._browser.new_context(**{"reduced_motion": "reduce", **options})
        context.set_default_timeout(_SOON)
        self._contexts.append(context)
        page = context.new_page()
        address = server if isinstance(server, str) else f"http://127.0.0.1:{server.port}"
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"error in the page: {error}"))
        page.on("request", lambda request: self._request(request, address))
        page.goto(address + path)
        return page

    def _console(self, message: ConsoleMessage) -> None:
        expected = any(each in message.text for each in self._expected)
        if message.type in {"error", "warning"} and not expected:
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request, address: str) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            self.problems.append(f"a request to elsewhere: {request.url}")

    def end(self) -> None:
        """Close the pages."""
        for context in self._contexts:
            context.close()


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Give the system's Chromium."""
    program = provide(request.config, lambda engines: engines.get("chromium").path())  # type: ignore[attr-defined]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ROOT_NEEDS if os.getuid() == 0 else [])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visits]:
    """Open pages; the test fails when one of them had a problem."""
    visits = Visits(browser)
    yield visits
    visits.end()
    assert visits.problems == []


@pytest.fixture(scope="session")
def make_models(_session_cache: Path, request: pytest.FixtureRequest) -> Callable[[Path], Models]:
    """Make something that starts models in a folder."""
    interpreter = make_interpreter(Path(sys.executable).resolve(), this_series(), _session_cache)
    return lambda folder: Models(interpreter, folder, lambda: request.getfixturevalue("packages"))


@pytest.fixture
def models(make_models: Callable[[Path], Models], tmp_path: Path) -> Iterator[Models]:
    """Start models; they end with the test."""
    models = make_models(tmp_path / "model")
    yield models
    models.end()


@pytest.fixture(scope="module")
def keep(make_models: Callable[[Path], Models], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    """Start models; they end with the module, and are to be started in fixtures of its scope."""
    models = make_models(tmp_path_factory.mktemp("models") / "model")
    yield models
    models.end()


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Give a folder with the packages of the examples."""
    provide(request.config, lambda engines: engines.get("index"))
    folder = tmp_path_factory.mktemp("packages")
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "pip", "install", "--quiet", "--only-binary", ":all:", "--target", folder, "--python"]
    wanted = EXAMPLES / "digits" / "requirements.txt"
    subprocess.run([*command, sys.executable, "--requirements", wanted], check=True)
    return folder
