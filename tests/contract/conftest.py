"""What the contract's runs share: a small base image, and which checks are left for ``-m slow``."""

from __future__ import annotations

import pytest

from cog_core.values import Platform
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

# What engines do differently: with each of them these are run every time, the others with the slow ones.
_DIFFERING = (
    "test_odd_names_can_be_copied_by_name",
    "test_odd_paths_are_written",
    "test_links_are_copied_as_links",
    "test_dockerignore_is_honoured",
    "test_content_is_written_to_the_byte",
    "test_modes_are_exact",
    "test_variables_are_exact_in_the_image",
    "test_a_working_directory_is_made_and_recorded",
    "test_commands_and_the_image_run_as_the_user",
    "test_labels_are_exact",
    "test_entry_point_and_command_are_exact",
    "test_a_script_is_run_as_the_shell_reads_it",
    "test_a_bind_mount_shows_a_part_of_a_context",
    "test_a_cache_lives_from_command_to_command",
    "test_an_ssh_agent_answers_in_its_command_only",
    "test_a_secret_is_nowhere_in_the_image",
    "test_a_secret_that_a_command_prints_is_not_heard",
    "test_an_unchanged_command_is_not_run_again",
    "test_equal_plans_give_equal_digests",
    "test_the_store_keeps_the_image_under_its_name",
    "test_a_registry_gets_the_image",
    "test_a_failed_command_says_where_and_why",
    "test_an_interrupt_in_a_command_ends_the_build",
    "test_a_full_disk_is_told_when_a_layout_is_written",
)
_IN_SHORT = ("TestPodman", "TestBuildkit", "TestDockerClassic", "TestDockerWithContainerd")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark checks that say little about one more backend; hooks of a conftest see all tests."""
    for item in items:
        if item.path.parent.name != "contract":
            continue
        in_short = item.parent is not None and item.parent.name in _IN_SHORT
        if item.name in _RARELY or (in_short and item.name not in _DIFFERING):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def foreign_base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    """Give the same base image, said to be for another platform; its programs cannot be run there."""
    ours = Platform.of_this_machine().architecture
    return make(tmp_path_factory.mktemp("foreign-base"), architecture="amd64" if ours == "arm64" else "arm64")


@pytest.fixture(scope="session")
def small_base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    """Give a base image of a few megabytes, on disk."""
    return make(tmp_path_factory.mktemp("small-base"))
