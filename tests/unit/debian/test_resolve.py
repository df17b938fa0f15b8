from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.oci.debian.resolve import resolve
from cog_core.errors import ResolveError
from tests.unit.debian.kit import Offer, package

if TYPE_CHECKING:
    from cog_backends.oci.debian.package import Package


def _names(wanted: tuple[str, ...], *packages: Package, installed: tuple[Package, ...] = ()) -> list[str]:
    there = {one.name: one for one in installed}
    return [str(one) for one in resolve(wanted, Offer(packages), there)]


def test_dependencies_come_before_what_needs_them() -> None:
    a, b, c = package("a", Depends="b, c"), package("b", Depends="c"), package("c")

    assert _names(("a",), a, b, c) == ["c 1.0", "b 1.0", "a 1.0"]


def test_packages_that_need_each_other_are_both_installed() -> None:
    assert sorted(_names(("a",), package("a", Depends="b"), package("b", Depends="a"))) == ["a 1.0", "b 1.0"]


def test_the_first_alternative_that_can_be_had_is_taken() -> None:
    wanted = package("a", Depends="missing | b | c")

    assert _names(("a",), wanted, package("b", Depends="nothing"), package("c")) == ["c 1.0", "a 1.0"]


def test_the_newest_version_is_taken_unless_another_is_named() -> None:
    offers = (package("a", "1.9"), package("a", "1.10"))

    assert _names(("a",), *offers) == ["a 1.10"]
    assert _names(("a=1.9",), *offers) == ["a 1.9"]


def test_what_is_installed_is_not_installed_again() -> None:
    a, b = package("a", Depends="b (>= 1.0)"), package("b")

    assert _names(("a", "b"), a, b, installed=(b,)) == ["a 1.0"]


def test_a_provided_name_satisfies_a_dependency_but_no_version_without_one() -> None:
    virtual, versioned = package("b", Provides="v"), package("c", Provides="v (= 2)")

    assert _names(("a",), package("a", Depends="v"), virtual) == ["b 1.0", "a 1.0"]
    assert _names(("a",), package("a", Depends="v (>= 2)"), virtual, versioned) == ["c 1.0", "a 1.0"]


def test_a_choice_that_conflicts_with_what_is_there_is_left_for_another() -> None:
    there = package("there", Conflicts="b")

    assert _names(("a",), package("a", Depends="b | c"), package("b"), package("c"), there, installed=(there,)) == [
        "c 1.0",
        "a 1.0",
    ]


def test_all_unknown_names_are_reported_at_once_with_suggestions() -> None:
    with pytest.raises(ResolveError) as caught:
        _names(
            ("ffmpge", "a=9", "v"),
            package("ffmpeg"),
            package("a"),
            package("p", Provides="v"),
            package("q", Provides="v"),
        )

    assert "there is no package ffmpge; did you mean ffmpeg?" in caught.value.message
    assert "package a has no version 9, only 1.0" in caught.value.message
    assert "choose one of: p, q" in caught.value.message


def test_a_dependency_that_cannot_be_had_is_named() -> None:
    with pytest.raises(ResolveError, match=r"package a cannot be installed: .*b \(>= 2\)"):
        _names(("a",), package("a", Depends="b (>= 2)"), package("b"))
