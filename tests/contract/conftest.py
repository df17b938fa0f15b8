"""What the contract's runs share: a small base image, and which checks are left for ``-m slow``."""

from __future__ import annotations

import pytest

from tests.contract.small_base import SmallBase, make

# What no backend does differently from the other checks of its kind; it is run with the slow ones.
_RARELY = (
    "test_a_later_copy_joins_an_earlier_one",
    "test_an_independent_copy_gives_the_same_files",
    "test_the_folder_cog_never_takes_part",
    "test_the_last_step_wins",
    "test_a_working_directory_that_is_there_keeps_its_content",
    "test_a_secret_from_a_file_is_nowhere_in_the_image",
    "test_a_secret_leaves_no_file_behind",
    "test_a_changed_label_changes_no_layer",
    "test_an_optional_secret_may_be_missing",
    "test_an_image_may_have_several_names",
    "test_a_command_sees_copied_files",
    "test_the_answer_is_about_the_image",
    "test_ports_are_exposed",
    "test_the_command_is_exact",
    "test_two_builds_at_once_do_not_disturb_each_other",
    "test_a_file_is_copied_to_its_path",
    "test_a_command_changes_the_image",
    "test_variables_of_the_base_stay",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark checks that say little about one more backend; hooks of a conftest see all tests."""
    for item in items:
        if item.name in _RARELY and item.path.parent.name == "contract":
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def small_base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    """Give a base image of a few megabytes, on disk."""
    return make(tmp_path_factory.mktemp("small-base"))
