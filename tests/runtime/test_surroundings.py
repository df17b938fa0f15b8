"""What surrounds a model is what a script in its folder would see."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.serving import write_model

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.serving import Interpreter, Servers

SOURCE = """
    import json, os, sys

    def seen() -> dict:
        return {
            "environ": dict(os.environ),
            "path": list(sys.path),
            "argv": list(sys.argv),
            "cwd": os.getcwd(),
            "flags": list(sys.flags),
            "executable": sys.executable,
            "prefix": sys.prefix,
            "umask": os.umask(os.umask(0o22)),
            "stdin": sys.stdin.read(),
            "encodings": [sys.stdout.encoding, sys.getfilesystemencoding()],
        }

    AT_IMPORT = seen()

    class Runner:
        def setup(self) -> None:
            self.at_setup = seen()

        def run(self) -> dict:
            return {"at import": AT_IMPORT, "at setup": self.at_setup, "at run": seen()}

    if __name__ == "__main__":
        print(json.dumps(seen()))
    """


def as_script(interpreter: Interpreter, folder: Path, environ: dict[str, str]) -> Any:
    """Return what a script sees that is started where an image starts the server."""
    command = [interpreter.path, "predict.py"]
    done = subprocess.run(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("with_path", [False, True])
def test_environment_path_arguments_and_folder_are_those_of_a_script(
    serve: Servers, interpreter: Interpreter, tmp_path: Path, with_path: bool
) -> None:
    variables = {"MINE": "ä", "PYTHONPATH": str(tmp_path / "packages") if with_path else ""}
    folder = serve.next_folder()
    folder.mkdir(exist_ok=True)
    write_model(folder, SOURCE)
    server = serve(SOURCE, **variables)
    found = server.output()
    script = as_script(interpreter, folder, found["at run"]["environ"])
    assert script["argv"] == ["predict.py"]
    assert script["cwd"] == str(folder)
    for moment, seen in found.items():
        for what, value in script.items():
            assert seen[what] == value, (moment, what)
    environ = found["at run"]["environ"]
    set_for_the_server = {
        "COG_HOST",
        "PORT",
        "COG_PREDICT_TYPE_STUB",
        "PYTHONPYCACHEPREFIX",
        "PYTHONDONTWRITEBYTECODE",
    }
    given = {**os.environ, **variables}
    assert set(environ) == set(given) | set_for_the_server
    assert {name: environ[name] for name in given if name not in set_for_the_server} == {
        name: value for name, value in given.items() if name not in set_for_the_server
    }


def test_the_package_of_upstreams_server_is_found_beside_the_path(serve: Servers) -> None:
    source = """
        import sys

        class Runner:
            def run(self) -> bool:
                import cog, coglet, coglet._sdk

                return coglet.CancelationException is cog.CancelationException
        """
    assert serve(source).output() is True
