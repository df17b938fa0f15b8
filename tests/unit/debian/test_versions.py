from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_backends.oci.debian.relations import read_relations
from cog_backends.oci.debian.stanzas import read_stanza, read_stanzas, write_stanza
from cog_backends.oci.debian.versions import satisfies, version_key

_UPSTREAM = st.from_regex(r"[0-9][0-9a-z.+~]{0,8}", fullmatch=True)
_FIELDS = st.from_regex(r"[A-Z][a-z-]{0,8}", fullmatch=True)
_VALUES = st.from_regex(r"[a-z0-9]([ -~]{0,9}[a-z])?", fullmatch=True)
VERSIONS = st.builds(
    lambda epoch, upstream, revision: epoch + upstream + revision,
    st.sampled_from(["", "0:", "1:"]),
    _UPSTREAM,
    st.one_of(st.just(""), st.from_regex(r"-[0-9a-z.+~]{1,5}", fullmatch=True)),
)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("1.0~rc1", "1.0"),
        ("1.0~~", "1.0~~a"),
        ("1.0~~a", "1.0~"),
        ("1.0", "1.0+b1"),
        ("1.0a", "1.0+"),
        ("1.9", "1.10"),
        ("2.0", "1:0.1"),
        ("1.0-1", "1.0-1+deb12u1"),
        ("1.0-1", "1.0-1.1"),
        ("1.0", "1.0-1"),
        ("1.2.3~deb12", "1.2.3"),
        ("9", "10a"),
    ],
)
def test_versions_are_ordered_as_debian_policy_orders_them(earlier: str, later: str) -> None:
    assert version_key(earlier) < version_key(later)
    assert satisfies(earlier, "<<", later)
    assert not satisfies(earlier, ">=", later)


@pytest.mark.parametrize(("left", "right"), [("1.0", "0:1.0"), ("1.0", "1.0-0"), ("01.0", "1.0"), ("1.a0", "1.a")])
def test_versions_written_in_different_ways_are_equal(left: str, right: str) -> None:
    assert version_key(left) == version_key(right)


@given(VERSIONS, VERSIONS, VERSIONS)
def test_the_order_of_versions_is_total(first: str, second: str, third: str) -> None:
    a, b, c = map(version_key, (first, second, third))

    assert (a < b) + (a == b) + (a > b) == 1
    assert not (a <= b <= c) or a <= c


@given(VERSIONS)
def test_a_tilde_makes_a_version_earlier_and_a_plus_later(version: str) -> None:
    assert version_key(f"{version}~x") < version_key(version) < version_key(f"{version}+x")


def test_a_relationship_field_is_read_with_alternatives_versions_and_architectures() -> None:
    (first, second), (third,) = read_relations("libc6 (>= 2.36) | libc6-other, python3:any")

    assert (first.name, first.operator, first.version, str(second)) == ("libc6", ">=", "2.36", "libc6-other")
    assert (third.name, third.architecture) == ("python3", "any")


@pytest.mark.parametrize("text", ["a b", "a (1.0)", "(>= 1)", "a | | b"])
def test_a_relation_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a package relation"):
        read_relations(text)


def test_paragraphs_keep_folded_lines_and_drop_comments() -> None:
    text = "Package: a\n# no\nDescription: short\n long\n .\n\n\nPackage: b\nnonsense\n"

    first, second = read_stanzas(text.splitlines())

    assert first == {"Package": "a", "Description": "short\n long\n ."}
    assert second == {"Package": "b"}


@given(st.dictionaries(_FIELDS, _VALUES))
def test_a_written_paragraph_is_read_back(stanza: dict[str, str]) -> None:
    assert read_stanza(write_stanza(stanza)) == stanza
