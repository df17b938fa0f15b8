"""Loading real distributions, each in a folder on the path of a process of its own."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from cog_core.process import Command, run

if TYPE_CHECKING:
    from pathlib import Path

LOAD = """
import json, os, sys, warnings
warnings.simplefilter("error")
from cog_core.errors import CogError
from cog_core.plugins import load
from cog_core.settings import Settings
try:
    found = load(Settings.from_environ())
except CogError as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error.message}", "hint": error.hint}))
else:
    print(json.dumps({
        "loaded": [[plugin.name, plugin.distribution] for plugin in found.loaded],
        "failed": {plugin.name: [plugin.distribution, plugin.reason] for plugin in found.failed},
        "backends": list(found.backends),
        "docker": "docker" in sys.modules,
    }))
"""
GOOD = """
from cog_core.backend import BackendInfo
from cog_core.plugins import hookimpl
@hookimpl
def cog_backends():
    yield BackendInfo(name="{name}", summary="s", capabilities=frozenset(), load=print)
"""
MISFIT = """
@hookimpl
def cog_image_labels(plan, nonsense):
    return {}
"""


def install(site: Path, name: str, code: str, *, entry: str | None = None, version: str = "1.2") -> None:
    """Make an installed distribution, as installers do (PyPA specification, "Recording installed projects")."""
    module = name.replace("-", "_")
    record = site / f"{module}-{version}.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (record / "entry_points.txt").write_text(f"[cog]\n{entry or name} = {module}\n")
    (site / f"{module}.py").write_text(code)


def load(site: Path, **environ: str) -> dict[str, Any]:
    env = {**os.environ, "PYTHONPATH": str(site), **environ}
    return json.loads(run(Command(argv=(sys.executable, "-c", LOAD), env=env)).check().stdout)


def test_a_broken_plugin_is_reported_by_its_distribution_and_stops_nobody_else(tmp_path):
    install(tmp_path, "cog-missing", "import no_such_module")
    install(tmp_path, "cog-exits", "raise SystemExit(3)")
    install(tmp_path, "cog-syntax", "def")
    install(tmp_path, "cog-misfit", GOOD.format(name="half") + MISFIT)
    install(tmp_path, "cog-strange", GOOD.format(name="x") + "\n@hookimpl\ndef cog_backends():\n    return ['oci']\n")
    install(tmp_path, "cog-raises", GOOD.format(name="x") + "\n@hookimpl\ndef cog_backends():\n    return [1 / 0]\n")
    install(tmp_path, "cog-fine", GOOD.format(name="kaniko"))

    found = load(tmp_path)

    assert ["cog-fine", "cog-fine 1.2"] in found["loaded"]
    assert {"docker", "oci", "kaniko"} <= set(found["backends"])
    assert "half" not in found["backends"]
    assert not found["docker"]
    assert {name: reason.partition(":")[0] for name, (_, reason) in found["failed"].items()} == {
        "cog-exits": "SystemExit",
        "cog-misfit": "PluginValidationError",
        "cog-missing": "ModuleNotFoundError",
        "cog-raises": "cog_backends",
        "cog-strange": "cog_backends",
        "cog-syntax": "SyntaxError",
    }
    assert all(distribution == f"{name} 1.2" for name, (distribution, _) in found["failed"].items())


def test_two_backends_of_one_name_are_an_error_that_names_both_distributions(tmp_path):
    install(tmp_path, "cog-one", GOOD.format(name="kaniko"))
    install(tmp_path, "cog-two", GOOD.format(name="kaniko"))

    found = load(tmp_path)

    assert found["error"] == "PluginError: two plugins register a backend named 'kaniko': cog-one 1.2 and cog-two 1.2"
    assert "COG_DISABLE_PLUGINS" in found["hint"]
    assert "kaniko" in load(tmp_path, COG_DISABLE_PLUGINS="cog-two")["backends"]


def test_two_plugins_of_one_name_leave_the_first_working(tmp_path):
    install(tmp_path, "cog-one", GOOD.format(name="first"), entry="same")
    install(tmp_path, "cog-two", GOOD.format(name="second"), entry="same")

    found = load(tmp_path)

    assert [plugin for plugin in found["loaded"] if plugin[0] == "same"] != []
    assert "same" in found["failed"]
    assert len({"first", "second"} & set(found["backends"])) == 1


@pytest.mark.parametrize("value", ["cog-exits,oci", " cog-exits , oci "])
def test_plugins_that_are_switched_off_are_not_even_imported(tmp_path, value):
    install(tmp_path, "cog-exits", "raise SystemExit(3)")

    found = load(tmp_path, COG_DISABLE_PLUGINS=value)

    assert found["failed"]["cog-exits"] == ["cog-exits 1.2", "switched off by COG_DISABLE_PLUGINS"]
    assert "oci" in found["failed"]
    assert "oci" not in found["backends"]
