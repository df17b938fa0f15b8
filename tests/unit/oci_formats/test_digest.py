from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_oci import digest
from cog_oci.errors import InvalidImage


@given(st.binary(max_size=100))
def test_a_digest_survives_parsing(data):
    assert digest.parse(digest.of_bytes(data)) == "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "A" * 64, "sha512:" + "a" * 128, "a" * 64, None, 7, []])
def test_what_is_no_sha256_digest_is_refused(text):
    with pytest.raises(InvalidImage):
        digest.parse(text)


@given(st.lists(st.one_of(st.binary(max_size=50), st.just(bytes(1 << 18))), max_size=6))
def test_streams_know_the_digest_of_what_passed(pieces):
    data, out = b"".join(pieces), io.BytesIO()
    with digest.HashingWriter(out) as writer:
        for piece in pieces:
            writer.write(piece)
        reader = digest.HashingReader(io.BytesIO(data))
        while reader.read(1 << 16):
            pass

        assert out.getvalue() == data
        assert writer.digest == reader.digest == digest.of_bytes(data)
        assert writer.size == reader.size == len(data)


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)

    assert digest.of_file(tmp_path / "file") == digest.of_bytes(b"x" * 3_000_000)
