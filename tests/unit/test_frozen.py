"""Values compare, hash and print as those that attrs makes alone."""

from __future__ import annotations

import ast
import copy
import pickle
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_oci.frozen import Frozen

SRC = Path(__file__).resolve().parents[2] / "src"


def loud(value: object) -> str:
    return f"<{value}>"


@attrs.frozen
class Ours(Frozen):
    plain: Any
    uncounted: Any = attrs.field(eq=False)
    unseen: Any = attrs.field(repr=False)
    loud: Any = attrs.field(repr=loud, default=0)


@attrs.frozen
class Theirs:
    plain: Any
    uncounted: Any = attrs.field(eq=False)
    unseen: Any = attrs.field(repr=False)
    loud: Any = attrs.field(repr=loud, default=0)


@attrs.frozen
class Partly(Frozen):
    name: str
    table: dict[str, int] = attrs.field(hash=False)


@attrs.frozen
class Longer(Ours):
    more: int = 0


@attrs.frozen
class Shy(Frozen):
    secret: str

    def __repr__(self) -> str:
        return "Shy(***)"


values = st.lists(st.sampled_from([1, True, 2, "a", None, (1, "b"), 2.5]), min_size=4, max_size=4)


@given(values, values)
def test_equality_hashes_and_text_are_those_of_attrs(one: list[Any], other: list[Any]) -> None:
    ours, theirs = (Ours(*one), Ours(*other)), (Theirs(*one), Theirs(*other))

    assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])
    assert (ours[0] != ours[1]) == (theirs[0] != theirs[1])
    assert ours[0] != ours[1] or hash(ours[0]) == hash(ours[1])
    assert repr(ours[0]) == repr(theirs[0]).replace("Theirs", "Ours")


def test_a_subclass_has_the_fields_of_both_and_equals_no_parent() -> None:
    assert Longer(1, 2, 3, 4, 5) == Longer(1, "other", 3, 4, 5)
    assert Longer(1, 2, 3, 4, 5) != Longer(1, 2, 3, 4, 6)
    assert Ours(1, 2, 3) != Longer(1, 2, 3)
    assert repr(Longer(1, 2, 3, 4, 5)) == "Longer(plain=1, uncounted=2, loud=<4>, more=5)"


def test_a_method_of_the_class_itself_stays() -> None:
    assert repr(Shy("x")) == "Shy(***)"
    assert Shy("x") == Shy("x") != Shy("y")


def test_a_value_is_frozen_slim_and_can_be_copied() -> None:
    value = Ours(1, 2, 3)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.plain = 2  # type: ignore[misc]
    assert not hasattr(value, "__dict__")
    assert attrs.evolve(value, plain=9) == Ours(9, 2, 3)
    assert copy.deepcopy(value) == value == pickle.loads(pickle.dumps(value))


def test_a_field_without_a_hash_fails_as_it_does_in_attrs() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Ours([], 2, 3))


def test_a_field_that_makes_no_hash_still_counts_for_equality() -> None:
    assert hash(Partly("a", {"x": 1})) == hash(Partly("a", {"x": 2}))
    assert Partly("a", {"x": 1}) != Partly("a", {"x": 2})


def test_every_class_that_the_program_freezes_is_made_quickly() -> None:
    """attrs compiles three methods for each class that does not say where they come from."""
    slow = [
        f"{path.relative_to(SRC)}: {node.name}"
        for package in ("cog_oci", "cog_core", "cog_backends", "cog_cli")
        for path in sorted((SRC / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and not node.bases
        for how in map(ast.unparse, node.decorator_list)
        if how.startswith("attrs.frozen") and "eq=False, repr=False" not in how and "order=True" not in how
    ]

    assert not slow
