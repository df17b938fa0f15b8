from __future__ import annotations

import copy
import importlib
import pickle
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cog
import coglet

SRC = str(Path(cog.__file__).resolve().parents[1])

# The names of Replicate's current SDK, and those of its releases since BasePredictor (cog 0.1 to 0.22).
NAMES = [
    "__version__",
    "BaseRunner",
    "BasePredictor",
    "BaseModel",
    "Opaque",
    "Input",
    "FieldInfo",
    "Path",
    "Secret",
    "File",
    "URLFile",
    "URLPath",
    "ConcatenateIterator",
    "AsyncConcatenateIterator",
    "CancelationException",
    "current_scope",
    "streaming",
    "concurrent",
    "ExperimentalFeatureWarning",
    "emit_metric",
]
MODULES = [
    "cog.types",
    "cog.input",
    "cog.model",
    "cog.predictor",
    "cog.coder",
    "cog.errors",
    "cog.mode",
    "cog.suppress_output",
    "cog.server.http",
    "cog.exceptions",
    "cog.files",
    "cog.json",
    "cog.logging",
    "cog.schema",
    "cog.server.exceptions",
    "coglet",
    "coglet._sdk",
]
INNER = {
    "cog.types": ["Path", "File", "Secret", "URLPath", "URLFile", "Input", "ConcatenateIterator", "get_filename"],
    "cog.input": ["Input", "FieldInfo"],
    "cog.coder": ["Coder"],
    "cog.errors": ["CogError", "ConfigDoesNotExist", "PredictorNotSet"],
    "cog.mode": ["Mode"],
    "cog.suppress_output": ["suppress_output"],
    "cog.files": ["upload_file", "guess_filename"],
    "cog.json": ["make_encodeable", "upload_files"],
    "cog.schema": ["Status", "WebhookEvent"],
    "cog.server.exceptions": ["CancelationException"],
    "coglet._sdk": ["current_scope", "Scope", "MetricRecorder"],
}


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_of_upstream_is_here(name):
    assert name in dir(cog)
    assert getattr(cog, name) is not None


@pytest.mark.parametrize("module", MODULES)
def test_every_public_module_of_upstream_imports(module):
    found = importlib.import_module(module)
    assert [name for name in INNER.get(module, []) if not hasattr(found, name)] == []


def test_importing_the_package_imports_nothing_else():
    code = f"""
import sys
sys.path.insert(0, {SRC!r})
before = set(sys.modules)
import cog
assert set(sys.modules) - before == {{"cog"}}, set(sys.modules) - before
from cog import *
third = [name for name, module in sys.modules.items() if "site-packages" in (getattr(module, "__file__", "") or "")]
assert not third, third
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_star_import_replaces_nothing_of_python(tmp_path):
    (tmp_path / "model.py").write_text("import json, logging, types\nfrom cog import *\nfound = dict(globals())\n")
    found = runpy.run_path(str(tmp_path / "model.py"))
    assert found["json"] is sys.modules["json"]
    assert found["logging"] is sys.modules["logging"]
    assert found["types"] is sys.modules["types"]
    assert "input" not in found
    assert found["BaseRunner"] is cog.BaseRunner


def test_the_usual_names_import_nothing_heavy():
    code = f"""
import sys
sys.path.insert(0, {SRC!r})
import pathlib, typing
before = set(sys.modules)
from cog import BasePredictor, BaseRunner, ConcatenateIterator, File, Input, Path, Secret
from cog import batch, concurrent, current_scope, streaming
for name in set(sys.modules) - before:
    print(name.partition(".")[0])
"""
    command = [sys.executable, "-I", "-S", "-c", code]
    found = set(subprocess.check_output(command, text=True).split())
    heavy = {"asyncio", "dataclasses", "inspect", "json", "logging", "shutil", "socket", "ssl", "tempfile"}
    assert found & heavy == set()
    assert found <= {"cog", *sys.stdlib_module_names}


def test_a_description_of_an_input_cannot_be_changed():
    one, same, other = cog.Input(default=1, ge=0), cog.Input(1, ge=0), cog.Input(default=2)
    assert one == same
    assert hash(one) == hash(same)
    assert one not in {other, 1}
    assert repr(cog.FieldInfo("x")).startswith("FieldInfo(default='x', description=None, ge=None")
    assert pickle.loads(pickle.dumps(one)) == copy.copy(one) == one
    with pytest.raises(AttributeError, match="cannot assign to field 'ge'"):
        one.ge = 3
    with pytest.raises(AttributeError, match="cannot delete field 'ge'"):
        del one.ge


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12))
def test_unknown_names_are_attribute_errors(name):
    if name in dir(cog):
        assert getattr(cog, name) is not None
        return
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(cog, name)


@given(st.permutations(sorted(set(cog.__all__) - {"__version__"})))
def test_names_load_in_any_order(names):
    loaded = {name: vars(cog).pop(name, None) for name in names}
    for name in names:
        again = getattr(cog, name)
        assert loaded[name] is None or again is loaded[name]


def test_a_name_that_is_also_a_module_keeps_both_meanings():
    from cog import input as module

    @module("b", type=int, default=3)
    @cog.input("a", type=str)
    def predict(self, a, b):
        return a * b

    assert predict(None, a="x") == "xxx"
    assert module.Input is cog.Input


def test_the_shim_of_coglet_says_what_it_cannot():
    assert coglet.CancelationException is cog.CancelationException
    assert coglet.__version__ == cog.__version__
    assert coglet.server.active is False
    with pytest.raises(RuntimeError, match=r"python -m cog\.server\.http"):
        coglet.server.serve("predict.py:Runner")


def test_cancelling_is_not_an_exception_that_models_swallow():
    assert issubclass(cog.CancelationException, BaseException)
    assert not issubclass(cog.CancelationException, Exception)
