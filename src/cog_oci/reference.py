"""Names of images, read and completed as Docker does (github.com/distribution/reference, "Grammar")."""

from __future__ import annotations

import re

import attrs

from cog_oci import digest as digests
from cog_oci.errors import InvalidImage, InvalidReference
from cog_oci.frozen import Frozen

DOCKER_HUB = "docker.io"
"""Registry of names that name none."""

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_LONGEST_REPOSITORY = 255


@attrs.frozen(kw_only=True)
class Reference(Frozen):
    """An image in a registry.

    Attributes:
        registry: Host, with its port if it has one.
        repository: Path of the image there.
        tag: Name of a version; None only when there is a digest.
        digest: Digest of the manifest.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: digests.Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a name as ``docker pull`` takes it.

        The registry defaults to Docker Hub, one-part names there belong to ``library``, and the tag defaults to
        ``latest`` when there is no digest either.

        Raises:
            InvalidReference: The text names no image.
        """
        if _IMAGE_ID.fullmatch(text):
            raise _invalid(text, "64 hexadecimal digits are an image's id")
        name, digest = _cut_digest(text)
        name, tag = _cut_tag(name)
        registry, repository = _split_registry(name)
        if not _REGISTRY.fullmatch(registry):
            raise _invalid(text, f"{registry!r} is no host name")
        if not _REPOSITORY.fullmatch(repository):
            upper = repository != repository.lower()
            why = "repository names are in lower case" if upper else f"{repository!r} is no repository name"
            raise _invalid(text, why)
        if len(repository) > _LONGEST_REPOSITORY:
            raise _invalid(text, f"the repository name is longer than {_LONGEST_REPOSITORY} characters")
        if tag is not None and not _TAG.fullmatch(tag):
            raise _invalid(text, f"{tag!r} is no tag")
        if tag is None and digest is None:
            tag = "latest"
        return cls(registry=registry, repository=repository, tag=tag, digest=digest)

    @property
    def name(self) -> str:
        """Registry and repository, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def target(self) -> str:
        """What to ask the registry for: the digest if there is one, else the tag."""
        return self.digest or self.tag or "latest"

    @property
    def familiar(self) -> str:
        """The shortest text that means the same, as ``docker images`` shows it."""
        return _short_name(self) + self._suffix

    def with_tag(self, tag: str) -> Reference:
        """Return this repository's image of another tag.

        Raises:
            InvalidReference: That is no tag.
        """
        if not _TAG.fullmatch(tag):
            raise _invalid(tag, "it is no tag")
        return attrs.evolve(self, tag=tag, digest=None)

    def with_digest(self, digest: digests.Digest) -> Reference:
        """Return this repository's image of one digest, without a tag."""
        return attrs.evolve(self, tag=None, digest=digest)

    @property
    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        """Return the full name, with nothing left to defaults."""
        return self.name + self._suffix


def _invalid(text: str, why: str) -> InvalidReference:
    return InvalidReference(
        f"{text[:300]!r} does not name an image: {why}", hint="Write it as [host[:port]/]name[:tag][@sha256:digest]."
    )


def _cut_digest(text: str) -> tuple[str, digests.Digest | None]:
    name, at, digest = text.partition("@")
    try:
        return name, digests.parse(digest) if at else None
    except InvalidImage as error:
        raise _invalid(text, error.message) from error


def _cut_tag(name: str) -> tuple[str, str | None]:
    """Cut at the last colon, unless it belongs to the host's port or address."""
    before, colon, tag = name.rpartition(":")
    return (before, tag) if colon and "/" not in tag and "]" not in tag else (name, None)


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and (first == "localhost" or set(first) & {".", ":"} or first != first.lower()):
        registry, repository = (DOCKER_HUB if first == f"index.{DOCKER_HUB}" else first), rest
    else:
        registry, repository = DOCKER_HUB, name
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return registry, repository


def _short_name(reference: Reference) -> str:
    if reference.registry != DOCKER_HUB:
        return reference.name
    head, _, rest = reference.repository.partition("/")
    short = rest if head == "library" and "/" not in rest else reference.repository
    # Docker Hub may hold "localhost/x": shortened, that would name another registry.
    return short if _split_registry(short) == (DOCKER_HUB, reference.repository) else reference.name
