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
from cog_core.plugins import load
from cog_core.settings import Settings
told = []
found = load(Settings.from_environ(), emit=told.append)
print(json.dumps({
    "loaded": [[plugin.name, plugin.distribution, plugin.hooks] for plugin in found.loaded],
    "failed": {plugin.name: [plugin.distribution, plugin.reason] for plugin in found.failed},
    "backends": list(found.backends),
    "owners": {name: plugin.distribution for name, plugin in found.owners.items()},
    "docker": "docker" in sys.modules,
    "warnings": [problem.message for problem in found.warnings],
    "told": [[event.message, event.hint] for event in told],
}))
"""
GOOD = """
from cog_core.backend import BackendInfo
from cog_core.plugins import hookimpl
@hookimpl
def cog_backends():
    yield BackendInfo(name="{name}", summary="s", capabilities=frozenset(), load=print)
"""
LABELS = """
@hookimpl
def cog_image_labels(plan):
    return {}
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

    assert ["cog-fine", "cog-fine 1.2", ["cog_backends"]] in found["loaded"]
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


def test_a_backend_s_name_stays_with_who_comes_first_and_the_other_is_reported(tmp_path):
    install(tmp_path, "cog-one", GOOD.format(name="kaniko"))
    install(tmp_path, "cog-two", GOOD.format(name="kaniko"))
    install(tmp_path, "aaa", GOOD.format(name="docker"))

    found = load(tmp_path)

    assert found["owners"]["kaniko"] == "cog-one 1.2"
    assert found["failed"]["cog-two"] == [
        "cog-two 1.2",
        "cog_backends: the backend 'kaniko' is there already, from cog-one 1.2",
    ]
    assert found["owners"]["docker"].startswith("cog-core ")
    assert "the backend 'docker' is there already, from cog-core" in found["failed"]["aaa"][1]
    assert load(tmp_path, COG_DISABLE_PLUGINS="cog-one")["owners"]["kaniko"] == "cog-two 1.2"


def test_ours_come_first_and_others_follow_by_name(tmp_path):
    install(tmp_path, "bbb", GOOD.format(name="b"))
    install(tmp_path, "aaa", GOOD.format(name="a") + LABELS)

    loaded = load(tmp_path)["loaded"]

    assert [name for name, _, _ in loaded] == ["buildkit", "docker", "oci", "podman", "aaa", "bbb"]
    assert loaded[4] == ["aaa", "aaa 1.2", ["cog_backends", "cog_image_labels"]]


def test_all_strangers_can_be_switched_off_at_once(tmp_path):
    install(tmp_path, "cog-exits", "raise SystemExit(3)")
    install(tmp_path, "cog-fine", GOOD.format(name="kaniko"))

    found = load(tmp_path, COG_DISABLE_PLUGINS="all")

    assert set(found["failed"]) == {"cog-exits", "cog-fine"}
    assert "oci" in found["backends"]
    assert "kaniko" not in found["backends"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("BackendInfo(name='a b', summary='', capabilities=frozenset(), load=print)", "cannot be a backend's name"),
        ("BackendInfo(name='k', summary='', capabilities=frozenset(), load=3)", "no function that loads it"),
        ("BackendInfo(name='k', summary='', capabilities={'fly'}, load=print)", "'fly', which is no capability"),
        ("BackendInfo(name='k', summary='', capabilities=None, load=print)", "TypeError: 'NoneType'"),
        ("BackendInfo(name='k', summary='', capabilities=[['x']], load=print)", "TypeError: unhashable"),
    ],
)
def test_a_registration_that_makes_no_sense_is_reported(tmp_path, code, reason):
    install(
        tmp_path,
        "cog-odd",
        "from cog_core.backend import BackendInfo\nfrom cog_core.plugins import hookimpl\n"
        f"@hookimpl\ndef cog_backends():\n    return [{code}]\n",
    )

    found = load(tmp_path)

    assert found["failed"]["cog-odd"][0] == "cog-odd 1.2"
    assert reason in found["failed"]["cog-odd"][1]
    assert "k" not in found["backends"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("@hookimpl(wrapper=True)\ndef cog_image_labels(): yield", "cog_image_labels cannot be wrapped"),
        ("@hookimpl(hookwrapper=True)\ndef cog_build_plan(): yield", "cog_build_plan is wrapped with hookwrapper"),
    ],
)
def test_wrappers_that_are_never_called_are_reported(tmp_path, code, reason):
    install(tmp_path, "cog-wraps", f"from cog_core.plugins import hookimpl\n{code}\n")

    found = load(tmp_path)

    distribution, why = found["failed"]["cog-wraps"]
    assert distribution == "cog-wraps 1.2"
    assert reason in why


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


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("cog-exit", "cog-exits"),
        ("Cog-Exits", "cog-exits"),
        ("cog_exits", "cog-exits"),
        ("ALL", "all"),
        ("dcoker", "docker"),
        ("house", "house-audit,house-base"),
    ],
)
def test_a_name_that_no_plugin_has_is_told_with_the_nearest(tmp_path, value, meant):
    install(tmp_path, "cog-exits", "raise SystemExit(3)")
    install(tmp_path, "house", "", entry="house-audit = house\nhouse-base")

    found = load(tmp_path, COG_DISABLE_PLUGINS=f"oci,{value}")

    (warning,) = found["warnings"]
    assert warning == f"COG_DISABLE_PLUGINS names {value!r}, and no plugin has that name; did you mean {meant}?"


def test_names_that_plugins_have_are_not_told_of(tmp_path):
    install(tmp_path, "cog-exits", "raise SystemExit(3)")

    assert load(tmp_path, COG_DISABLE_PLUGINS="cog-exits,oci,all")["warnings"] == []
    (strange,) = load(tmp_path, COG_DISABLE_PLUGINS="zzz")["warnings"]
    assert strange == "COG_DISABLE_PLUGINS names 'zzz', and no plugin has that name"


@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.sleep(0.6)",
        "import time\n" + GOOD.format(name="k") + "\n@hookimpl\ndef cog_backends():\n    time.sleep(0.6)\n",
    ],
    ids=["at import", "when asked for backends"],
)
def test_who_is_waited_for_is_told_with_how_to_do_without(tmp_path, code):
    install(tmp_path, "cog-slow", code)

    found = load(tmp_path, COG_PROBE_TIMEOUT="0.2")

    assert found["told"] == [
        [
            "the plugin cog-slow of cog-slow 1.2 is still being loaded after 0.2 s",
            "Wait, or press Ctrl-C and switch it off: COG_DISABLE_PLUGINS=cog-slow",
        ]
    ]
    assert "cog-slow" in [name for name, *_ in found["loaded"]]
    assert load(tmp_path)["told"] == []
