"""Signatures of package lists, checked by the programs that Debian itself uses: ``gpgv`` or ``sqv``."""

from __future__ import annotations

import tempfile
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cog_core.errors import BackendError
from cog_core.process import Command, CommandNotFound, Completed

if TYPE_CHECKING:
    from cog_core.process import Runner

_BEGIN: Final = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE: Final = "-----BEGIN PGP SIGNATURE-----"
_END: Final = "-----END PGP SIGNATURE-----"
_TIMEOUT: Final = 60.0


class BadSignature(BackendError):
    """A list is not signed by a key of Debian's archive."""


class NoVerifier(BackendError):
    """This machine has no program that can check a signature."""


def verify(document: bytes, *, runner: Runner, keyring: Path | None = None) -> str:
    """Return the text of a clear-signed document, without anything that the signature does not cover.

    The document is taken apart here and only its signed part is handed on, to the program and to the caller alike:
    text before or after it, or a second document behind it, is refused (RFC 9580, section 7).

    Args:
        document: Such as the content of ``InRelease``.
        runner: Starts the program.
        keyring: File of binary public keys; by default the keys of Debian's archive.

    Raises:
        BadSignature: The form is wrong, or no trusted key made a signature.
        NoVerifier: Neither program is installed.
    """
    text, signature = split(document)
    with (
        as_file(files(__package__) / "data" / "debian-archive-keyring.pgp") as debian,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        (folder / "text").write_text(text, "utf-8", newline="")
        (folder / "signature.asc").write_text(signature, "utf-8", newline="")
        _check(keyring or debian, folder, runner)
    return text


def split(document: bytes) -> tuple[str, str]:
    """Return the signed text and the armoured signature of a clear-signed document.

    Lines of the text have lost trailing blanks and the dashes that protect dashes; the last one has no line end.

    Raises:
        BadSignature: It is no single clear-signed document, or something stands outside of it.
    """
    try:
        lines = [line.rstrip(" \t\r") for line in document.decode("utf-8").rstrip().split("\n")]
        body, signature = lines.index("") + 1, lines.index(_SIGNATURE)
    except ValueError as error:
        raise BadSignature("the list is not a clear-signed document") from error
    header = lines[1 : body - 1]
    if (
        (lines[0], lines[-1]) != (_BEGIN, _END)
        or not all(line.startswith("Hash: ") for line in header)
        or any(line.startswith("-----") for line in (*lines[body:signature], *lines[signature + 1 : -1]))
    ):
        raise BadSignature("the list holds more than one signed text")
    text = "\n".join(line.removeprefix("- ") for line in lines[body:signature])
    return text, "\n".join((*lines[signature:], ""))


def _check(keyring: Path, folder: Path, runner: Runner) -> None:
    signature, text = str(folder / "signature.asc"), str(folder / "text")
    gpgv = ("gpgv", "--homedir", str(folder), "--weak-digest", "SHA1", "--status-fd", "1")
    try:
        done = runner(Command(argv=(*gpgv, "--keyring", str(keyring), signature, text), timeout=_TIMEOUT))
        is_good = "[GNUPG:] GOODSIG " in done.stdout and "[GNUPG:] BADSIG " not in done.stdout
    except CommandNotFound:
        done = _run_sqv(("sqv", "--keyring", str(keyring), signature, text), runner)
        is_good = done.code == 0
    if not is_good:
        reason = " ".join((done.stderr or done.stdout).split())[-400:]
        raise BadSignature(f"no key of Debian's archive signed the list: {reason}")


def _run_sqv(argv: tuple[str, ...], runner: Runner) -> Completed:
    try:
        return runner(Command(argv=argv, timeout=_TIMEOUT))
    except CommandNotFound as error:
        raise NoVerifier(
            "neither gpgv nor sqv is installed, so that the signatures of Debian's package lists cannot be checked",
            hint="Install the package gpgv (or gnupg, or sqv).",
        ) from error
