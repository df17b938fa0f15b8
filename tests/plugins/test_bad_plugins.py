"""Plugins that misbehave are reported by their distribution, and the tool goes on."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from cog_core.values import Platform
from tests.plugins.strangers import stranger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.environments import Environment

START = """
import time
from cog_core.backend import BackendInfo, ImageInfo, Probe
from cog_core.ir import Capability
from cog_core.plugins import CliCommand, hookimpl
from cog_core.values import Platform

C = Capability
ABLE = frozenset({C.IMAGE_BASE, C.PYTHON_BASE, C.RUNTIME, C.OCI_LAYOUT, C.STORE})


class Backend:
    def __init__(self, *capabilities):
        self.capabilities = frozenset(capabilities)

    def probe(self):
        return Probe(usable=True, reason="answers", capabilities=self.capabilities)

    def build(self, request, emit):
        return ImageInfo(image_id="sha256:0")


def register(name, load, capabilities=ABLE):
    return BackendInfo(name=name, summary=name, capabilities=capabilities, load=load)
"""

BAD = {
    "bad-import": "raise RuntimeError('not today')",
    "bad-exit": "raise SystemExit(0)",
    "bad-name": START + "@hookimpl\ndef cog_backends():\n    yield register('oci', lambda settings: Backend())\n",
    "bad-answers": START
    + """
@hookimpl
def cog_backends():
    return [42]
@hookimpl
def cog_base_image():
    return 42
@hookimpl
def cog_image_labels():
    return ["a", "b"]
@hookimpl(wrapper=True)
def cog_build_plan():
    yield
@hookimpl
def cog_cli_commands():
    return ["audit"]
""",
    "bad-claims": START
    + """
@hookimpl
def cog_backends():
    yield register("claims", lambda settings: Backend(*ABLE, C.RUN_IMAGES, C.USER), ABLE | {C.RUN_IMAGES})
    yield register("foreign", lambda settings: Foreign(*ABLE))


class Foreign(Backend):
    def build(self, request, emit):
        other = "arm64" if request.plan.platform.architecture == "amd64" else "amd64"
        return ImageInfo(image_id="sha256:0", platform=Platform("linux", other))
""",
    "bad-builds": START
    + """
class Failing(Backend):
    def __init__(self, error):
        super().__init__(*ABLE)
        self.error = error
    def build(self, request, emit):
        raise self.error
class Boasting(Backend):
    def build(self, request, emit):
        return ImageInfo(image_id="sha256:0", platform=request.plan.platform)
    def inspect(self, reference):
        from cog_core.errors import ImageNotFound
        raise ImageNotFound(reference)
    def run(self, command):
        return "something else"
@hookimpl
def cog_backends():
    yield register("failing", lambda settings: Failing(RuntimeError("no such host")))
    yield register("exiting", lambda settings: Failing(SystemExit(3)))
    yield register("boasting", lambda settings: Boasting(*ABLE))
""",
    "bad-hang": START
    + """
class Hanging(Backend):
    def probe(self):
        time.sleep(600)
@hookimpl
def cog_backends():
    yield register("hang", lambda settings: Hanging())
    yield register("import-hang", lambda settings: time.sleep(600))
""",
    "bad-probe": START
    + """
class Odd(Backend):
    def probe(self):
        return "yes"
class Raising(Backend):
    def probe(self):
        raise KeyError("socket")
class Strange(Backend):
    def probe(self):
        return Probe(usable=True, reason="answers", capabilities={"fly"})
@hookimpl
def cog_backends():
    yield register("odd", lambda settings: Odd())
    yield register("raising", lambda settings: Raising())
    yield register("nothing", lambda settings: None)
    yield register("strange", lambda settings: Strange())
""",
    "bad-command": START
    + """
@hookimpl
def cog_cli_commands():
    yield CliCommand(name="build", summary="mine", run=print)
    yield CliCommand(name="crash", summary="crashes", run=lambda words: 1 / 0)
    yield CliCommand(name="seven", summary="ends with 7", run=lambda words: 7)
""",
}


@pytest.fixture(scope="module")
def crowd(environment: Callable[..., Environment], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Give an environment with all of them."""
    folder = tmp_path_factory.mktemp("strangers")
    return environment(*(stranger(folder, name, code) for name, code in BAD.items()))


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    (tmp_path / "cog.yaml").write_text('build:\n  python_version: "3.11"\nrun: "run.py:run"\n', "utf-8")
    (tmp_path / "run.py").write_text("def run(text: str) -> str:\n    return text\n", "utf-8")
    return tmp_path


def test_the_listing_names_each_with_its_distribution_and_ends(crowd: Environment, tmp_path: Path):
    started = time.monotonic()

    done = crowd.well("cog", "backends", "--json", cwd=tmp_path, env={"COG_PROBE_TIMEOUT": "5"})

    assert time.monotonic() - started < 60
    document = json.loads(done.stdout)
    failed = {(each["distribution"], each["reason"]) for each in document["failed_plugins"]}
    assert ("bad-import 1.2", "RuntimeError: not today") in failed
    assert ("bad-exit 1.2", "SystemExit: 0") in failed
    assert ("bad-answers 1.2", "cog_backends: 42 is no BackendInfo") in failed
    (name,) = (reason for distribution, reason in failed if distribution == "bad-name 1.2")
    assert name.startswith("cog_backends: the backend 'oci' is there already, from cog-core ")
    found = {each["name"]: each for each in document["backends"]}
    assert found["oci"]["usable"]
    assert found["hang"]["reason"] == "bad-hang 1.2 did not answer within 5 s"
    assert found["import-hang"]["reason"] == "bad-hang 1.2 did not answer within 5 s"
    assert found["odd"]["reason"] == "bad-probe 1.2 answered 'yes', which is no Probe"
    assert found["raising"]["reason"] == "bad-probe 1.2 failed with KeyError: 'socket'"
    assert found["nothing"]["reason"] == "bad-probe 1.2 loaded None, which is no backend"
    assert found["strange"]["reason"] == "bad-probe 1.2 failed with ValueError: 'fly' is not a valid Capability"
    assert found["claims"]["wrong"] == (
        "bad-claims 1.2: the backend claims finds user, which it does not declare;"
        " declares run-images and has no method run"
    )
    assert not {"user", "run-images"} & set(found["claims"]["capabilities"])


def test_people_read_the_same(crowd: Environment, tmp_path: Path):
    done = crowd.well("cog", "plugins", cwd=tmp_path)

    for words in (
        ("bad-import", "bad-import 1.2", "RuntimeError: not today"),
        ("bad-name", "bad-name 1.2", "'oci' is there already"),
        ("bad-command", "bad-command 1.2", "the command 'build' is cog's own"),
        ("bad-answers", "bad-answers 1.2", "'audit', which is no CliCommand"),
    ):
        assert any(all(word in line for word in words) for line in done.stdout.splitlines()), words


def test_a_plan_is_made_without_what_makes_no_sense(crowd: Environment, hello: Path):
    env = {"COG_BACKEND": "oci"}
    done = crowd.well("cog", "plan", cwd=hello, env=env)
    alone = crowd.well("cog", "--no-plugins", "plan", cwd=hello, env=env)

    assert done.stdout == alone.stdout
    assert alone.stderr == ""
    for fact in (
        "warning: the plugin bad-import of bad-import 1.2 does not work: RuntimeError: not today",
        "warning: a part of the plugin bad-answers of bad-answers 1.2 does not work: cog_backends: 42 is no",
        "bad-answers 1.2: cog_base_image returned 42",
        "bad-answers 1.2: cog_image_labels returned ['a', 'b']",
        "bad-answers 1.2: cog_build_plan returned None",
    ):
        assert fact in done.stderr
    assert "Traceback" not in done.stderr


def test_one_that_hangs_can_be_asked_for_and_is_refused_in_time(crowd: Environment, hello: Path):
    done = crowd.run("cog", "build", "--backend", "hang", cwd=hello, env={"COG_PROBE_TIMEOUT": "5"})

    assert done.returncode == 5
    assert "bad-hang 1.2 did not answer within 5 s" in done.stderr


@pytest.mark.engine("index")
def test_one_that_builds_nothing_is_caught(crowd: Environment, hello: Path):
    target = hello.parent / f"{hello.name}-image"

    done = crowd.run("cog", "build", "--backend", "claims", "--output", f"oci:{target}", cwd=hello)

    assert done.returncode == 4
    assert "the backend claims of bad-claims 1.2 says that it built the image, and did not write" in done.stderr
    assert "warning: bad-claims 1.2: the backend claims finds user" in done.stderr


FOREIGN = "arm64" if Platform.of_this_machine().architecture == "amd64" else "amd64"


@pytest.mark.engine("index")
@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("--output", "registry:localhost:1/hello"), "claims cannot do pushing to a registry"),
        (("--output", "docker-archive:{}/a.tar"), "claims cannot do writing an archive for docker load"),
        (("--platform", f"linux/{FOREIGN}"), f"claims cannot do an image for linux/{FOREIGN}"),
    ],
)
def test_one_is_never_asked_for_a_result_that_it_does_not_declare(
    crowd: Environment, hello: Path, words: tuple[str, str], fact: str
):
    option, value = words

    done = crowd.run("cog", "build", "--backend", "claims", option, value.format(hello.parent), cwd=hello)

    assert done.returncode == 5
    assert fact in done.stderr


@pytest.mark.engine("index")
def test_one_that_says_another_platform_is_caught(crowd: Environment, hello: Path):
    done = crowd.run("cog", "build", "--backend", "foreign", cwd=hello)

    assert done.returncode == 4
    assert f"the backend foreign of bad-claims 1.2 says that the image is for linux/{FOREIGN}, not for" in done.stderr


@pytest.mark.engine("index")
@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("failing", "the backend failing of bad-builds 1.2 failed with RuntimeError: no such host"),
        ("exiting", "the backend exiting of bad-builds 1.2 failed with SystemExit: 3"),
        ("boasting", "the backend boasting of bad-builds 1.2 says that hello is sha256:0, and keeps nothing under"),
    ],
)
def test_one_that_fails_while_it_builds_is_named(crowd: Environment, hello: Path, name: str, fact: str):
    done = crowd.run("cog", "build", "--backend", name, "-t", "hello", cwd=hello)

    assert done.returncode == 4
    assert fact in done.stderr
    assert "Traceback" not in done.stderr


def test_one_with_a_method_named_run_is_not_asked_to_run_images(crowd: Environment, hello: Path):
    done = crowd.run("cog", "run", "hello", "--backend", "boasting", cwd=hello)

    assert done.returncode == 5
    assert "the backend boasting builds images and cannot run them" in done.stderr


def test_commands_of_ours_stay_ours_and_those_that_crash_are_told_by_distribution(crowd: Environment, hello: Path):
    assert "Build an image" in crowd.well("cog", "build", "--help", cwd=hello).stdout
    assert crowd.run("cog", "seven", cwd=hello).returncode == 7
    crashed = crowd.run("cog", "crash", cwd=hello)
    assert crashed.returncode == 4
    assert "the command crash of bad-command 1.2 failed: ZeroDivisionError" in crashed.stderr
    assert "Traceback" not in crashed.stderr


def test_each_can_be_switched_off_by_name_and_strangers_altogether(crowd: Environment, tmp_path: Path):
    by_name = crowd.well("cog", "plugins", "--json", env={"COG_DISABLE_PLUGINS": ",".join(BAD)})
    at_once = crowd.well("cog", "plugins", "--json", env={"COG_DISABLE_PLUGINS": "all"})
    by_option = crowd.well("cog", "--no-plugins", "plugins", "--json")

    for done in (by_name, at_once, by_option):
        document = json.loads(done.stdout)
        assert {each["name"] for each in document["off"]} == set(BAD)
        assert document["failed"] == []
        assert {each["name"] for each in document["loaded"]} == {"buildkit", "docker", "oci", "podman"}
