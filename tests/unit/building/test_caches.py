"""Caches as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_core.caches import Cache, secrets_of
from cog_core.errors import UsageError

_FIELD = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1)


def test_a_reference_alone_means_a_registry() -> None:
    cache = Cache.parse("registry.example.com:5000/team/cache:x")

    assert str(cache) == "type=registry,ref=registry.example.com:5000/team/cache:x"
    assert cache.reference == "registry.example.com:5000/team/cache:x"


@pytest.mark.parametrize(
    "text", ["type=registry,ref=a/b,mode=max", "type=local,dest=/a b", "type=s3,bucket=b,region=r", "type=gha"]
)
def test_other_kinds_go_on_as_they_are(text: str) -> None:
    assert str(Cache.parse(text)) == text
    assert (Cache.parse(text).reference is None) == (not text.startswith("type=registry"))


@given(st.dictionaries(st.sampled_from(["dest", "src", "name"]), _FIELD))
def test_any_value_survives(fields: dict[str, str]) -> None:
    cache = Cache("local", tuple(fields.items()))

    assert Cache.parse(str(cache)) == cache


@pytest.mark.parametrize("text", ["", "ref=a", "type=,ref=a", "type=registry", "type=local,dest", "a,b"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="invalid cache"):
        Cache.parse(text)


def test_credentials_are_never_shown() -> None:
    cache = Cache.parse("type=s3,bucket=b,access_key_id=AK1,secret_access_key=SK1,session_token=ST1")

    assert secrets_of([cache]) == {"AK1", "SK1", "ST1"}
    assert "SK1" not in repr(cache)
