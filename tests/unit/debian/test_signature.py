from __future__ import annotations

import base64
import shutil
from typing import TYPE_CHECKING

import pytest

from cog_backends.oci.debian.signature import BadSignature, verify
from cog_core import process

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not (shutil.which("gpgv") or shutil.which("sqv")), reason="neither gpgv nor sqv is installed"
)

# Made for this test; the private half of the key is gone.
KEY = base64.b64decode(
    "mDMEawHFPBYJKwYBBAHaRw8BAQdAki0q4iFMlc74hiGu1ZIVvNSz0DbJdqw9QzUl5j1NP6e0DFRlc3QgQXJjaGl2ZYiQBBMWCAA4"
    "FiEEqJ5K9o7Ppftr8BpJrY5N5xTjSxgFAmsBxTwCGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQrY5N5xTjSxgyhAEAr5bB"
    "+HLxWpoQu9EoFD8Fo3eSs0NR7vC7PuxR6UzEOjABANm87o82r5jX0LCV7+MaiK2R3x4NaH6yKoJAsI0k6mUA"
)
DOCUMENT = b"""\
-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Origin: Debian
Suite: stable
- - dashed
-----BEGIN PGP SIGNATURE-----

iHUEARYIAB0WIQSonkr2js+l+2vwGkmtjk3nFONLGAUCawHFPAAKCRCtjk3nFONL
GGjTAPsHVIYfk5l/dwcwGiNRpB1t0EoJZsvnDcWnzjd/NTNoZwEAqJoMNswP50He
UURqNvw/Tq+B9C2TMBKp/awg5bSh0Qg=
=h5+P
-----END PGP SIGNATURE-----
"""


@pytest.fixture
def keyring(tmp_path: Path) -> Path:
    path = tmp_path / "keyring.pgp"
    path.write_bytes(KEY)
    return path


def test_a_signed_text_is_returned_without_its_armour(keyring: Path) -> None:
    text = verify(DOCUMENT, runner=process.run, keyring=keyring)

    assert text == "Origin: Debian\nSuite: stable\n- dashed"


@pytest.mark.parametrize(
    "document",
    [
        DOCUMENT.replace(b"stable", b"sid"),
        DOCUMENT.replace(b"Suite", b"Suite: x\nSuite"),
        b"Suite: sid\n" + DOCUMENT,
        DOCUMENT + b"Suite: sid\n",
        DOCUMENT + DOCUMENT,
        DOCUMENT.replace(b"Hash: SHA256\n", b"Hash: SHA256\nSuite: sid\n"),
        b"Suite: sid\n",
        b"",
    ],
)
def test_a_tampered_list_is_refused(document: bytes, keyring: Path) -> None:
    with pytest.raises(BadSignature):
        verify(document, runner=process.run, keyring=keyring)


def test_a_list_signed_by_somebody_else_is_refused() -> None:
    with pytest.raises(BadSignature):
        verify(DOCUMENT, runner=process.run)
