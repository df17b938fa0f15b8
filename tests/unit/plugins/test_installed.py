"""Entry points are found as importlib.metadata finds them."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

from cog_core.plugins.installed import EntryPoint, entry_points, version


@pytest.mark.parametrize("group", ["cog", "console_scripts", "pytest11", "nothing"])
def test_the_same_as_by_the_standard_library(group):
    expected = {
        (each.name, each.value, each.dist.name, each.dist.version)
        for each in importlib.metadata.entry_points(group=group)
    }

    assert {(each.name, each.value, each.distribution, each.version) for each in entry_points(group)} == expected


def test_a_version_is_that_of_the_distribution():
    assert version("cog-core") == version("Cog_Core") == importlib.metadata.version("cog-core")
    assert version("no-such-distribution") == "unknown"


def test_the_first_of_a_name_on_the_path_counts(tmp_path):
    for place, number in (("a", "1"), ("b", "2")):
        folder = tmp_path / place / f"cog_x-{number}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: cog-x\nVersion: {number}\n\nVersion: no\n")
        (folder / "entry_points.txt").write_text(
            "[other]\na = b\n\n[cog]\n# a\n; b = c\nMine = os.path:join [extra]\n"
        )

    found = list(entry_points("cog", [str(tmp_path / "nowhere"), str(tmp_path / "a"), str(tmp_path / "b")]))

    assert found == [EntryPoint("Mine", "os.path:join [extra]", "cog-x", "1")]
    assert found[0].load() is __import__("os").path.join


def test_loading_plugins_needs_no_metadata_library():
    program = (
        "import sys; from cog_core.images import tools; tools();"
        "print('importlib.metadata' in sys.modules, 'email' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "False False\n"
