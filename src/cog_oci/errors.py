"""Every error that reading, writing and moving images can raise, in one tree.

    OciError                  root: what failed and what to do next
    +- InvalidReference       a text that names no image
    +- InvalidImage           bytes that are no manifest, configuration, layer, layout or archive
    |  +- DigestMismatch      bytes that are not those which their digest promises
    |  +- UnsafeArchive       an archive that reaches outside of its folder
    +- Missing                a layout or an image holds no such thing
    +- InvalidCredentials     a credentials file that cannot be read
    +- RegistryFailure        a registry refused, is out of reach, or sent something wrong
       +- Unauthorized        it wants to know who is asking, or says no to who asked
       +- NotFound            it has no such image or blob

A message starts lower-case, carries the value, and never holds a credential or the query of an address.
"""

from __future__ import annotations


class OciError(Exception):
    """Root of all errors of this package.

    Attributes:
        message: The fact, with the value that caused it.
        hint: What to do next, as a sentence of its own; None when there is nothing sensible to say.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidReference(OciError):
    """A text does not name an image."""


class InvalidImage(OciError):
    """Something that should be part of an image is not what its format says."""


class DigestMismatch(InvalidImage):
    """Bytes differ from what their digest or their size promises."""


class UnsafeArchive(InvalidImage):
    """An archive names a place outside of the folder that it is meant for."""


class Missing(OciError):
    """A layout, an archive or an image does not hold what was asked for."""


class InvalidCredentials(OciError):
    """A file of credentials cannot be understood; its content is never quoted."""


class RegistryFailure(OciError):
    """A registry refused, is out of reach, or sent something wrong.

    Attributes:
        status: HTTP status; None when there was no answer.
        code: The registry's own code (OCI distribution specification, "Error Codes"), such as ``DENIED``.
        reference: What it was about: an image, a repository, or a registry.
        retryable: The same request may succeed later.
        retry_after: Seconds that the registry asked us to wait (RFC 9110, section 10.2.3).
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        status: int | None = None,
        code: str | None = None,
        reference: str = "",
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.reference = reference
        self.retryable = retryable
        self.retry_after = retry_after


class Unauthorized(RegistryFailure):
    """The registry wants a login, or this login may not do that."""


class NotFound(RegistryFailure):
    """The registry has no such image, blob or repository."""
