from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cog_core
from cog_core.errors import ResolveError
from cog_core.process import run
from cog_core.runtime_bundle import STARTUP_FILE, STARTUP_TEXT, key_of, prepare
from cog_core.runtime_bundle.prepare import tree_digest
from cog_core.runtime_bundle.sources import own_files
from cog_core.values import PYTHONS, Platform, PythonVersion

HERE = Platform.of_this_machine()
NEWEST = PythonVersion.parse("3.13")


def test_a_bundle_is_made_once_and_is_the_same_in_every_cache(shared_cog_cache, tmp_path):
    first = prepare(NEWEST, HERE, cache=shared_cog_cache, run=run, environ=os.environ)

    def refuse(*_, **__):
        raise AssertionError("a bundle that is there is not made again")

    assert prepare(NEWEST, HERE, cache=shared_cog_cache, run=refuse, environ={}) == first
    before = os.umask(0o077)
    try:
        second = prepare(NEWEST, HERE, cache=tmp_path, run=run, environ=os.environ)
    finally:
        os.umask(before)
    assert (second.digest, second.key) == (first.digest, first.key)
    assert first.key == key_of(NEWEST, HERE)
    assert {path.name for path in first.path.iterdir()} == {"server", "worker", "sdk", STARTUP_FILE}
    modes = {path.stat().st_mode & 0o777 for path in second.path.rglob("*")}
    assert modes == {0o755, 0o644}


def test_the_page_is_in_the_bundle():
    page = Path(cog_core.__file__).parents[1] / "cog_runtime" / "server" / "page"
    wanted = {f"server/cog_runtime/server/page/{file.name}": file.read_bytes() for file in page.iterdir()}
    assert wanted.keys() >= {
        f"server/cog_runtime/server/page/{name}" for name in ("index.html", "main.js", "style.css")
    }
    assert wanted.items() <= own_files().items()


def test_bytecode_that_a_server_left_does_not_reach_images(shared_cog_cache):
    bundle = prepare(NEWEST, HERE, cache=shared_cog_cache, run=run, environ=os.environ)
    left = bundle.path / "sdk" / "cog" / "__pycache__"
    left.mkdir()
    (left / "x.pyc").write_bytes(b"")
    again = prepare(NEWEST, HERE, cache=shared_cog_cache, run=run, environ=os.environ)
    assert not left.exists()
    assert tree_digest(again.path) == bundle.digest


def test_every_python_and_platform_has_a_key_of_its_own():
    keys = {
        key_of(PythonVersion.parse(series), Platform.parse(platform), libc)
        for series in PYTHONS
        for platform in ("linux/amd64", "linux/arm64")
        for libc in ("glibc", "musl")
    }
    assert len(keys) == len(PYTHONS) * 4


@pytest.mark.parametrize(("python", "platform"), [("3.7", "linux/amd64"), ("3.13", "windows/amd64")])
def test_what_has_no_runtime_is_refused(python, platform):
    with pytest.raises(ResolveError, match="no runtime for"):
        key_of(PythonVersion.parse(python), Platform.parse(platform))


def test_the_startup_line_loads_runpy_only_for_modules_that_are_run():
    code = f"import sys; sys.argv = [{{!r}}]; exec({STARTUP_TEXT!r}); print('runpy' in sys.modules)"
    for argument, loaded in (("-m", "True"), ("-c", "False")):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code.format(argument)], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == loaded
