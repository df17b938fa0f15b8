"""Tests see nothing of the user's settings, and what they leave behind fails them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.isolation import isolated_environ

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="processes are found by /proc")


def test_a_test_has_an_empty_home_of_its_own(isolated):
    assert Path.home() == isolated
    assert list(isolated.iterdir()) == []


def test_settings_and_accounts_of_the_user_are_gone():
    user = {
        "HOME": "/home/u",
        "COG_BACKEND": "oci",
        "DOCKER_HOST": "tcp://far",
        "DOCKER_CONFIG": "/home/u/.docker",
        "XDG_DATA_DIRS": "/x",
        "PATH": "/bin",
    }

    seen = isolated_environ(user, Path("/tmp/home"))

    assert seen.keys().isdisjoint({"COG_BACKEND", "DOCKER_HOST", "DOCKER_CONFIG", "XDG_DATA_DIRS"})
    assert (seen["HOME"], seen["PATH"]) == ("/tmp/home", "/bin")


def test_the_variables_of_the_tests_themselves_stay():
    assert isolated_environ({"COG_TEST_CACHE": "/c"}, Path("/h"))["COG_TEST_CACHE"] == "/c"


def test_package_caches_stay_where_they_are(tmp_path):
    (tmp_path / ".cache/uv").mkdir(parents=True)

    assert isolated_environ({"HOME": str(tmp_path)}, Path("/h"))["UV_CACHE_DIR"] == str(tmp_path / ".cache/uv")


def test_fixtures_of_wider_scope_are_isolated_too(suite):
    said = suite.run(
        """
        import os, pathlib, pytest

        @pytest.fixture(scope="session")
        def home():
            return pathlib.Path.home()

        def test_it(home):
            assert "USER" not in home.name and home in pathlib.Path.home().parents
        """,
        HOME="/home/USER",
    )
    assert said.returncode == 0, said.stdout


def test_the_shared_cache_is_one_folder_for_all(suite):
    said = suite.run(
        """
        import os, pytest

        @pytest.mark.parametrize("number", [1, 2])
        def test_it(number, shared_cog_cache):
            assert os.environ["COG_CACHE_DIR"] == str(shared_cog_cache)
            assert len(list(shared_cog_cache.iterdir())) == number - 1
            (shared_cog_cache / str(number)).touch()
        """
    )
    assert said.returncode == 0, said.stdout


@needs_proc
def test_a_process_left_behind_fails_the_test_and_is_ended(suite):
    said = suite.run(
        """
        import subprocess
        def test_it():
            subprocess.Popen(["sleep", "98765"])
        """
    )
    assert "sleep 98765" in said.stdout
    assert "1 passed, 1 error" in said.stdout
    assert not _running("sleep\x0098765")


@needs_proc
def test_a_process_whose_parent_has_ended_is_found(suite):
    said = suite.run(
        """
        import subprocess
        def test_it():
            subprocess.run(["sh", "-c", "setsid sleep 98764 >/dev/null 2>&1 &"], check=True)
        """
    )
    assert "sleep 98764" in said.stdout
    assert not _running("sleep\x0098764")


@needs_proc
def test_a_process_that_just_ends_is_no_fault(suite):
    said = suite.run(
        """
        import subprocess
        def test_it():
            subprocess.run(["sh", "-c", "sleep 0.3 >/dev/null 2>&1 &"], check=True)
        """
    )
    assert said.returncode == 0, said.stdout


def test_processes_of_wider_fixtures_are_no_fault(suite):
    said = suite.run(
        """
        import subprocess, pytest

        @pytest.fixture(scope="session")
        def server():
            process = subprocess.Popen(["sleep", "60"])
            yield
            process.kill()
            process.wait()

        def test_one(server): pass
        def test_two(server): pass
        """
    )
    assert said.returncode == 0, said.stdout


def test_a_changed_variable_fails_the_test_and_is_mended(suite):
    said = suite.run(
        """
        import os
        def test_one():
            os.environ["LEFT"] = "over"
        def test_two():
            assert "LEFT" not in os.environ
        """
    )
    assert "environment variable LEFT: None became 'over'" in said.stdout
    assert "2 passed, 1 error" in said.stdout


def test_a_changed_folder_fails_the_test_and_is_mended(suite):
    said = suite.run(
        """
        import os, pathlib
        HERE = pathlib.Path.cwd()
        def test_one(tmp_path):
            os.chdir(tmp_path)
        def test_two():
            assert pathlib.Path.cwd() == HERE
        """
    )
    assert "the current folder" in said.stdout
    assert "2 passed, 1 error" in said.stdout


def test_what_monkeypatch_mends_is_no_fault(suite):
    said = suite.run(
        """
        def test_it(monkeypatch, tmp_path):
            monkeypatch.setenv("SOME", "thing")
            monkeypatch.setenv("HOME", "/elsewhere")
            monkeypatch.chdir(tmp_path)
        """
    )
    assert said.returncode == 0, said.stdout


def test_property_tests_work_with_the_guard(suite):
    said = suite.run(
        """
        from hypothesis import given, strategies
        @given(strategies.integers())
        def test_it(number):
            assert number == number
        """,
        "-p",
        "_hypothesis_pytestplugin",
    )
    assert said.returncode == 0, said.stdout


def test_a_test_has_a_time_limit(suite):
    said = suite.run(
        """
        def test_it(request):
            assert request.config.getoption("timeout") == 120
        """
    )
    assert said.returncode == 0, said.stdout


def test_the_time_limit_can_be_chosen(suite):
    said = suite.run("import time\ndef test_it(): time.sleep(9)\n", "--timeout=0.3")
    assert "Timeout" in said.stdout


def test_waiting_for_engines_does_not_count(suite):
    said = suite.run(
        """
        import time
        from tests.support.timeouts import clock_stopped
        def test_it():
            with clock_stopped():
                time.sleep(1)
        """,
        "--timeout=0.7",
    )
    assert said.returncode == 0, said.stdout


def _running(command_line: str) -> bool:
    return any(command_line.encode() in _command_line(folder) for folder in Path("/proc").glob("[0-9]*"))


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
