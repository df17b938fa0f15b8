"""Files of earlier generations of Cog, told in today's words."""

from __future__ import annotations

import pytest

from cog_core.config import parse
from cog_core.errors import ConfigInvalid

OLD = """\
name: my-model
model: model.py:Model
environment:
  python_requirements: requirements.txt
  python_packages: [torch==1.13.1]
  python_extra_index_urls: [https://example.com/simple]
  python_find_links: [https://example.com/links]
  system_packages: [ffmpeg]
  architectures: [gpu]
  pre_install: [make]
  post_install: [touch /x]
  workdir: code
examples:
  - input: {text: hi}
    output: there
"""


def test_an_old_file_is_read_in_today_s_words():
    loaded = parse(OLD)

    config = loaded.config
    assert loaded.legacy
    assert (config.predict, config.image, config.workdir) == ("model.py:Model", "my-model", "code")
    assert (config.build.gpu, config.build.python_version) == (True, "3.8")
    assert config.build.python_find_links == ("https://example.com/links",)
    assert config.build.post_install == ("touch /x",)


def test_each_translation_has_one_note():
    notes = [note.message for note in parse(OLD).notes]

    assert notes == [
        '"environment" with build settings is the form of an earlier Cog; it is read as "build"',
        '"model: model.py:Model" is the form of an earlier Cog; it is read as "run"',
        '"name" is the form of an earlier Cog; it is read as "image"',
        '"examples" is of an earlier Cog; the examples are not run',
        "build.python_version is not set; Python 3.8 is used",
    ]


def test_messages_name_the_keys_as_they_are_written():
    with pytest.raises(ConfigInvalid) as caught:
        parse("environment:\n  python_version: 2.7\nmodel: m.py:M\n")

    (problem,) = caught.value.problems
    assert problem.message == 'invalid environment.python_version "2.7": minimum supported Python version is 3.8'
    assert str(problem.origin) == "cog.yaml:2:19 (environment.python_version)"


def test_both_kinds_of_package_lists_were_allowed_then():
    build = parse(OLD).config.build

    assert (build.python_requirements, build.python_packages) == ("requirements.txt", ("torch==1.13.1",))


@pytest.mark.parametrize(
    ("architectures", "gpu"),
    [("[gpu]", True), ("[cpu, gpu]", False), ("[cpu]", False), ("[gpu]\n  gpu: false", False)],
)
def test_a_model_needs_a_gpu_when_it_had_no_other_image(architectures, gpu):
    assert parse(f"environment:\n  architectures: {architectures}\n").config.build.gpu is gpu


def test_build_settings_in_two_places_are_refused():
    with pytest.raises(ConfigInvalid, match=r'it holds build settings, and "build" is there too'):
        parse("environment:\n  python_version: 3.8\nbuild:\n  gpu: true\n")


def test_one_reference_said_twice_is_one_reference():
    assert parse("model: a.py:A\nrun: a.py:A\n").config.predict == "a.py:A"


def test_two_references_are_refused():
    with pytest.raises(ConfigInvalid, match=r'invalid model "a\.py:A": "predict" names another class'):
        parse("model: a.py:A\npredict: b.py:B\n")


def test_a_name_that_no_image_can_have_is_ignored_with_a_note():
    loaded = parse("model: a.py:A\nname: My Model!\n")

    assert loaded.config.image is None
    assert '"name" is of an earlier Cog and is ignored' in [note.message for note in loaded.notes]


def test_a_repository_stays_a_repository():
    loaded = parse("model: registry.example.com:5000/me/model\nrun: a.py:A\n")

    assert loaded.config.model == "registry.example.com:5000/me/model"
    assert not loaded.legacy


def test_a_list_of_variables_is_not_mistaken():
    loaded = parse("environment: [A=1]\nbuild: {python_version: '3.12'}")

    assert loaded.config.environment == ("A=1",)
    assert (loaded.legacy, loaded.notes) == (False, ())
