"""What a configuration means for a build, and why."""

from __future__ import annotations

import pytest

from cog_core.errors import ConfigInvalid
from cog_core.ir import SecretMount, SshMount
from cog_core.values import PythonVersion

TOO_OLD = "is not supported by static schema generation; use 0.17.0 or newer"
MOUNTED = """\
build:
  run:
    - echo a
    - command: " pip install b "
      mounts: [{type: secret, id: pip, target: /etc/pip.conf}, {type: ssh}, {type: ssh, id: work}]
    - |
      cd /tmp
      make
  pre_install: [echo last]
"""


def decision(build, what):
    return next(each for each in build.decisions if each.what == what)


def test_commands_keep_order_place_and_secrets(resolved):
    run = resolved(MOUNTED).run

    assert [command.script for command in run] == [
        *("echo a", "pip install b", "set -e\ncd /tmp\nmake", "echo last"),
    ]
    assert run[1].mounts == (
        SecretMount(id="pip", target="/etc/pip.conf"),
        SshMount(id="default"),
        SshMount(id="work"),
    )
    assert [command.origin.line for command in run] == [3, 4, 6, 9]


def test_a_script_with_an_interpreter_of_its_own_stays_as_it_is(resolved):
    (command,) = resolved("build:\n  run:\n    - |\n      #!/bin/bash\n      make\n").run

    assert command.script == "#!/bin/bash\nmake"


def test_system_packages_are_listed_once(resolved):
    packages = resolved(
        "build: {system_packages: [ffmpeg, 'git  ffmpeg', libgl1=1.2-3, 'libc6:arm64']}"
    ).system_packages

    assert [package.name for package in packages] == ["ffmpeg", "git", "libgl1=1.2-3", "libc6:arm64"]


@pytest.mark.parametrize("name", ["-y", "a;b", "$(x)", "Foo"])
def test_what_is_no_package_is_refused(resolved, name):
    with pytest.raises(ConfigInvalid, match="not the name of a package"):
        resolved(f"build: {{system_packages: ['{name}']}}")


def test_variables_are_sorted_pairs(resolved):
    assert resolved("environment: [B=x=y, A=1]").environment == (("A", "1"), ("B", "x=y"))


@pytest.mark.parametrize(
    ("config", "name", "because"),
    [
        ("image: a/b", "a/b", "image says so"),
        ("model: r/m", "r/m", "model says so"),
        ("", "cog-my-model", "the folder is called my model"),
    ],
)
def test_the_image_has_a_name_with_a_reason(resolved, config, name, because):
    build = resolved(config)

    assert build.image == name
    assert decision(build, "image").because == because


@pytest.mark.parametrize(
    ("config", "version", "because"),
    [
        ("build: {python_version: 3.8}", "3.8", "build.python_version says so"),
        ("", "3.13", "build.python_version is not set"),
    ],
)
def test_the_python_has_a_reason(resolved, config, version, because):
    build = resolved(config)

    assert build.python == PythonVersion.parse(version)
    assert decision(build, "python").because == because


@pytest.mark.parametrize(
    ("config", "decorator", "most"),
    [("", None, None), ("", 3, 3), ("concurrency: {max: 2}", 3, 2), ("concurrency: {max: 2}", None, 2)],
)
def test_the_configuration_s_concurrency_counts_before_the_decorator_s(resolved, config, decorator, most):
    build = resolved(config, concurrency=decorator, is_async=True)

    assert build.max_concurrency == most
    assert (build.config.concurrency.max if build.config.concurrency else None) == most


@pytest.mark.parametrize(
    ("config", "decorator", "batch"),
    [
        ("", None, None),
        ("", (4, 1.0), (4, 1.0)),
        ("concurrency: {batch: 2}", (4, 1.0), (2, 1.0)),
        ("concurrency: {batch: {window: 0}}", (4, 1.0), (4, 0.0)),
        ("concurrency: {batch: {}}", None, (8, 0.01)),
        ("concurrency: {queue: 3}", (4, 1.0), (4, 1.0)),
    ],
)
def test_each_number_of_a_batch_is_the_configuration_s_or_the_decorator_s(resolved, config, decorator, batch):
    section = resolved(config, batch=decorator).config.concurrency

    found = section.batch if section else None
    assert (found and (found.max_size, found.window)) == batch


def test_the_decorator_s_concurrency_counts_beside_other_keys_of_the_section(resolved):
    build = resolved("concurrency: {queue: 3}", concurrency=4, is_async=True)

    assert build.max_concurrency == 4
    assert (build.config.concurrency.max, build.config.concurrency.queue) == (4, 3)


@pytest.mark.parametrize(
    ("config", "facts", "message"),
    [
        (
            "concurrency: {max: 2}",
            {"is_async": False},
            "concurrency.max > 1 requires an async run() or predict() method",
        ),
        (
            "run: a.py:A",
            {"concurrency": 2, "is_async": False},
            "@cog.concurrent(max > 1) requires an async run() or predict() method",
        ),
        (
            "build: {python_version: 3.10}",
            {"concurrency": 2, "is_async": True},
            "concurrency requires Python 3.11 or higher",
        ),
        ("workdir: x", {}, "workdir is not supported yet"),
        ("environment: {post_install: [x], python: 3.8}", {}, "build.post_install is not supported yet"),
        (
            "model: r/m\nweights: [{name: w, target: /w, source: {uri: 'hf://a/b'}}]",
            {},
            "weights is not supported yet",
        ),
        (
            "build: {sdk_version: 0.15.9}",
            {},
            'invalid build.sdk_version "0.15.9": cog version 0.15.9 is below the minimum required version 0.16.0',
        ),
        (
            "build: {sdk_version: 0.16.3}",
            {},
            f'invalid build.sdk_version "0.16.3": SDK version 0.16.3 {TOO_OLD}',
        ),
        ("build: {sdk_version: new}", {}, 'invalid build.sdk_version "new": must be a version such as 0.22.0'),
    ],
)
def test_what_cannot_be_built_is_refused(resolved, config, facts, message):
    with pytest.raises(ConfigInvalid) as caught:
        resolved(config, **facts)

    assert [problem.message for problem in caught.value.problems] == [message]


@pytest.mark.parametrize("version", ["0.17.0", "0.22.0", "prerelease", "0.18.0-rc.1", "0.20.0a3", "1.0"])
def test_an_sdk_version_is_answered_by_ours_with_a_note(resolved, version):
    build = resolved(f"build: {{sdk_version: {version}}}")

    assert f"build.sdk_version {version} is answered by the built-in SDK" in [note.message for note in build.notes]


def test_all_problems_are_told_at_once(resolved):
    with pytest.raises(ConfigInvalid) as caught:
        resolved("build: {system_packages: [-y], sdk_version: x}\nworkdir: a", requirements=None)

    assert len(caught.value.problems) == 3


def test_old_index_options_come_first(resolved):
    config = "environment: {python_version: 3.9, python_find_links: ['https://l/'], python_extra_index_urls: ['https://i/']}"

    assert [option.line for option in resolved(config).index] == [
        "--extra-index-url https://i/",
        "--find-links https://l/",
    ]
