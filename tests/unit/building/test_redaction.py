"""Secrets that commands print."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cog_core.redaction import Redaction

_WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4)


@given(_WORD, st.text(), st.text())
def test_a_secret_of_one_line_is_hidden_wherever_it_stands(secret: str, before: str, after: str) -> None:
    hidden = Redaction.of([secret.encode()])(before + secret + after)

    assert "**********" in hidden
    assert hidden.replace("*", "").count(secret) == 0 or set(secret) == {"*"}


def test_each_line_of_a_secret_is_hidden() -> None:
    hide = Redaction.of([b"machine index.example\n  login me-and-you\n  password hunter22\n"])

    assert hide("it says: login me-and-you!") == "it says: **********!"
    assert hide("  password hunter22") == "  **********"


def test_a_bundle_of_certificates_is_hidden_line_by_line() -> None:
    lines = [f"MII{number:061}" for number in range(4000)]
    hide = Redaction.of(["\n".join(lines).encode()])

    assert hide(f"{lines[7]}\nfine\n  {lines[3999]}") == "**********\nfine\n**********"
    assert not hide.pieces


def test_short_secrets_and_none_change_nothing() -> None:
    assert Redaction.of([b"abc", b""])("abc and more") == "abc and more"
    assert Redaction.of([])("abc\nd") == "abc\nd"
