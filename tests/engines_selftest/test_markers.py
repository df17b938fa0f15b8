"""Markers: what is missing is skipped and listed, or fails where engines were asked for."""

from __future__ import annotations

MARKED = """
    import pytest

    @pytest.mark.engine("skopeo")
    def test_one(): pass

    @pytest.mark.engine("skopeo")
    @pytest.mark.engine("podman")
    def test_two(): pass

    def test_three(): pass
"""


def test_what_is_missing_is_skipped_and_listed_with_the_way_to_have_it(suite, tmp_path):
    said = suite.run(MARKED, PATH=str(tmp_path))

    assert "1 passed, 2 skipped" in said.stdout
    listed = said.stdout.partition("not tested on this machine")[2]
    assert "1 test: not installed: podman, buildah" in listed
    assert "2 tests: not installed: skopeo" in listed
    assert "apt-get install skopeo" in listed
    assert "COG_TEST_ENGINES=install" in listed


def test_what_cannot_be_installed_fails_where_it_was_asked_for(suite, tmp_path):
    said = suite.run(MARKED, PATH=str(tmp_path), COG_TEST_ENGINES="install")

    assert "1 passed, 2 errors" in said.stdout
    assert "skopeo" in said.stdout


def test_nothing_is_brought_up_for_deselected_tests(suite, tmp_path):
    said = suite.run(MARKED, "-k", "three", PATH=str(tmp_path), COG_TEST_ENGINES="install")

    assert said.returncode == 0
    assert "[engines]" not in said.stderr


def test_a_misspelt_engine_is_an_error(suite):
    said = suite.run('import pytest\n@pytest.mark.engine("dokcer")\ndef test_one(): pass\n')

    assert said.returncode == 4
    assert "dokcer" in said.stderr
    assert "docker" in said.stderr


def test_a_fixture_without_its_marker_brings_its_engine_up_too(suite, tmp_path):
    said = suite.run("def test_one(oci_registry): pass\n", PATH=str(tmp_path))

    assert "1 skipped" in said.stdout
    assert "docker-registry" in said.stdout


def test_nothing_is_listed_when_nothing_is_missing(suite):
    assert "not tested" not in suite.run("def test_one(): pass\n").stdout
