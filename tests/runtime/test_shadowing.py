"""Model folders whose files are called like the standard library's, or like ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.serving import Servers

NAMES = ("typing", "json", "types", "socket", "runpy", "io", "enum", "signal", "server", "starlette", "cog_runtime")
SOURCE = """
    import helpers

    class Runner:
        def run(self, n: int) -> str:
            return helpers.NAME * n
    """


def test_files_of_the_model_do_not_stop_the_server(serve: Servers) -> None:
    broken = dict.fromkeys(NAMES, "raise ImportError('the wrong file')\n")
    server = serve(SOURCE, files={**broken, "helpers": "NAME = 'mine'\n"})
    assert server.output(n=2) == "minemine"
    assert "the wrong file" not in server.log


def test_the_model_gets_its_own_modules_as_a_script_would(serve: Servers) -> None:
    source = "import server\n\nclass Runner:\n    def run(self) -> str:\n        return server.__file__\n"
    assert serve(source, files={"server": ""}).output().endswith("/src/server.py")


def test_packages_can_come_from_a_folder_of_their_own(serve: Servers, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "wanted.py").write_text("NAME = 'found'\n")
    (packages / "json.py").write_text("raise ImportError('the wrong file')\n")
    source = "import wanted\n\nclass Runner:\n    def run(self) -> str:\n        return wanted.NAME\n"
    server = serve(source, PYTHONPATH=str(packages))
    assert server.output() == "found"
    assert "the wrong file" not in server.log
