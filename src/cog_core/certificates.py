"""Certificate authorities of a company's network, in every form that ``COG_CA_CERT`` may have."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cog_core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cog_core.settings import Settings

SYSTEM_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where Debian, Fedora, openSUSE, and Alpine and macOS keep the authorities that everybody trusts."""

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_INVALID = "invalid value - must be a file path, directory, PEM certificate, or base64-encoded PEM"
_LARGEST = 4 * 1024 * 1024


def ca_bundle(settings: Settings, *, system_bundles: Iterable[str] = SYSTEM_BUNDLES) -> bytes | None:
    """Return the public authorities of this machine and those of ``COG_CA_CERT`` as one PEM text.

    Both, because a program that is given a bundle trusts nothing else. None when ``COG_CA_CERT`` is not set.

    Raises:
        UsageError: ``COG_CA_CERT`` is none of the forms that it may have.
    """
    if not settings.ca_cert:
        return None
    public = next((text for path in system_bundles if (text := _read(Path(path)))), "")
    return f"{public.rstrip()}\n{_extra(settings.ca_cert).strip()}\n".lstrip().encode()


def company_bundle(settings: Settings) -> bytes | None:
    """Return only the authorities of ``COG_CA_CERT`` as PEM text, for an image that has the public ones itself.

    Raises:
        UsageError: ``COG_CA_CERT`` is none of the forms that it may have.
    """
    return _extra(settings.ca_cert).encode() if settings.ca_cert else None


def company_file(settings: Settings) -> Path | None:
    """Return a PEM file with only the authorities of ``COG_CA_CERT``, in a folder of its own in the cache.

    Raises:
        UsageError: ``COG_CA_CERT`` is none of the forms that it may have.
    """
    return _kept(company_bundle(settings), settings)


def bundle_file(settings: Settings) -> Path | None:
    """Return a PEM file with the public authorities and those of ``COG_CA_CERT``, for programs on this machine.

    Raises:
        UsageError: ``COG_CA_CERT`` is none of the forms that it may have.
    """
    return _kept(ca_bundle(settings), settings)


def _kept(bundle: bytes | None, settings: Settings) -> Path | None:
    if bundle is None:
        return None
    folder = settings.cache / "certificates" / hashlib.sha256(bundle).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "ca.pem"
    if not file.exists():
        partial = folder / f".{os.getpid()}.partial"
        partial.write_bytes(bundle)
        partial.replace(file)
    return file


def _extra(value: str) -> str:
    """Return the PEM text that a value means (reference, section 3.4)."""
    if _BEGIN in value:
        return _checked(value.replace("\\n", "\n") if "\n" not in value.strip() else value)
    path = Path(value)
    try:
        if path.is_dir():
            return _of_folder(path)
        if path.is_file():
            return _checked(_read(path))
    except (OSError, ValueError):  # longer than a path can be, so perhaps base64
        pass
    try:
        return _checked(base64.b64decode("".join(value.split()), validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        return _checked("")


def _of_folder(path: Path) -> str:
    files = sorted(file for suffix in ("*.crt", "*.pem") for file in path.glob(suffix))
    if not files:
        raise UsageError(f"COG_CA_CERT: no .crt or .pem files found in directory {path}")
    return _checked("\n".join(_read(file).strip() for file in files))


def _checked(text: str) -> str:
    if _BEGIN not in text or _END not in text:
        raise UsageError(f"COG_CA_CERT: {_INVALID}")
    return text


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""
