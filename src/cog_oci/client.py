"""The verbs of a registry (OCI distribution specification 1.1), one method each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import attrs

from cog_oci import canonical, media
from cog_oci import digest as digests
from cog_oci.auth import Access, Authenticator
from cog_oci.calls import Call, send
from cog_oci.errors import DigestMismatch, InvalidImage, NotFound, RegistryFailure, Unauthorized
from cog_oci.frozen import Frozen
from cog_oci.manifest import Descriptor, Index, Manifest, parse
from cog_oci.retry import Retry
from cog_oci.transport import origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cog_oci.auth import Credentials
    from cog_oci.credentials import Login
    from cog_oci.reference import Reference
    from cog_oci.transport import Response, Transport

_MOST_PAGES = 1000
_LARGEST_PAGE = 4 << 20
_WRITE = "pull,push"
_EMPTY = {"Content-Length": "0"}
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")
_NEXT = re.compile(r'<([^<>]{1,4096})>\s*;\s*rel="?next"?')


@attrs.frozen(kw_only=True)
class Fetched(Frozen):
    """A manifest or an index as a registry sent it, verified.

    Attributes:
        data: Its exact bytes, which the digest is of.
    """

    descriptor: Descriptor
    data: bytes = attrs.field(repr=False)
    value: Manifest | Index


@attrs.frozen(kw_only=True)
class Upload(Frozen):
    """An upload that a registry has begun.

    Attributes:
        address: Where the next request about it goes.
        sent: Bytes that the last request brought, or, from :meth:`Client.find_upload`, that the registry has.
        least: Bytes that a part must have, the last one excepted; 0: any number.
        most: Bytes that a part may have; 0: any number.
    """

    address: str
    sent: int = 0
    least: int = 0
    most: int = 0

    def fit(self, part: int) -> int:
        """Return the size of a part that the registry takes, as near to a wanted size as possible."""
        size = max(part, self.least, 1)
        return min(size, self.most) if self.most else size


def anonymous(registry: str, repository: str) -> Login | None:
    """Know no login."""
    del registry, repository
    return None


@attrs.frozen
class Client(Frozen):
    """Speaks to registries; safe to share between threads.

    Attributes:
        transport: The door.
        credentials: Returns the login for a registry and a repository, or None.
        retry: How often requests are repeated that fail for reasons that may pass.
    """

    transport: Transport
    credentials: Credentials = anonymous
    retry: Retry = attrs.field(factory=Retry)
    _auth: Authenticator = attrs.field(
        default=attrs.Factory(lambda self: Authenticator(self.transport, self.credentials), takes_self=True),
        repr=False,
        alias="auth",
    )

    def check_login(self, registry: str) -> None:
        """Return if the registry lets us in.

        Raises:
            Unauthorized: It does not.
        """
        access = Access(registry=registry)
        self._send(Call(method="GET", access=access, path="/v2/", what="cannot use the login", name=registry)).close()

    def manifest(self, reference: Reference) -> Fetched:
        """Return the manifest or index of a tag or, if there is one, a digest.

        Raises:
            NotFound: There is no such image.
            DigestMismatch: The registry sent something else.
            InvalidImage: It is no manifest.
        """
        call = _manifest_call("GET", reference, "cannot get the manifest")
        data, response = self._read(call, canonical.LIMIT)
        digest = _checked_digest(data, reference, response.header("Docker-Content-Digest"))
        value = parse(data, media_type=_media_type(response), what=f"manifest {reference}")
        descriptor = Descriptor(media_type=value.media_type, digest=digest, size=len(data))
        return Fetched(descriptor=descriptor, data=data, value=value)

    def resolve(self, reference: Reference) -> Descriptor:
        """Return what a tag means now, without its content where the registry tells.

        Raises:
            NotFound: There is no such image.
        """
        response = self._send(_manifest_call("HEAD", reference, "cannot find the manifest"))
        response.close()
        size, digest = response.header("Content-Length"), response.header("Docker-Content-Digest")
        media_type = _media_type(response)
        if not size or not size.isdecimal() or not digest or media_type not in media.INDEXES | media.MANIFESTS:
            return self.manifest(reference).descriptor
        if reference.digest is not None and digest != reference.digest:
            raise DigestMismatch(f"the registry answers {digest[:100]!r} for {reference}")
        return Descriptor(media_type=media_type, digest=digests.parse(digest), size=int(size))

    def tags(self, reference: Reference) -> tuple[str, ...]:
        """Return all tags of a repository, in the registry's order.

        Raises:
            NotFound: There is no such repository.
        """
        found: list[str] = []
        call = _call("GET", reference, "tags/list?n=1000", what="cannot list the tags")
        for _ in range(_MOST_PAGES):
            data, response = self._read(call, _LARGEST_PAGE)
            tags = canonical.load(data, what=f"the tags of {reference.name}").get("tags") or []
            if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
                raise InvalidImage(f"the tags of {reference.name} are no list of texts")
            found += tags
            following = _NEXT.search(response.header("Link") or "")
            if following is None:
                return tuple(found)
            call = attrs.evolve(call, path=_on_same_host(response.url, following.group(1)))
        raise RegistryFailure(f"the tags of {reference.name} fill more than {_MOST_PAGES} pages")

    def open_blob(self, reference: Reference, blob: Descriptor, offset: int = 0) -> Response:
        """Return an answer whose body is a blob, or its rest from ``offset`` on; neither verified nor repeated.

        Raises:
            NotFound: The registry does not have it.
        """
        call = _call("GET", reference, f"blobs/{blob.digest}", what=f"cannot get the blob {blob.digest}")
        if offset:
            call = attrs.evolve(call, headers={"Range": f"bytes={offset}-"}, expect=(200, 206))
        response = self._once(call)
        if response.status == 206:
            if not (response.header("Content-Range") or "").startswith(f"bytes {offset}-"):
                response.close()
                raise RegistryFailure(f"the registry sends another part of {blob.digest} than was asked for")
            return response
        left = offset
        while left and (data := response.read(min(left, digests.CHUNK))):
            left -= len(data)
        return response

    def has_blob(self, reference: Reference, blob: Descriptor) -> bool:
        """Say whether a repository has a blob already."""
        what = f"cannot look for the blob {blob.digest}"
        call = _call("HEAD", reference, f"blobs/{blob.digest}", what=what, actions=_WRITE)
        try:
            self._send(call).close()
        except NotFound:
            return False
        return True

    def start_upload(self, reference: Reference) -> Upload:
        """Begin an upload."""
        call = _call("POST", reference, "blobs/uploads/", what="cannot begin an upload", actions=_WRITE)
        with self._send(attrs.evolve(call, headers=_EMPTY, expect=(202,))) as response:
            limits = [_length(response.header(f"OCI-Chunk-{end}-Length")) for end in ("Min", "Max")]
            address = _location(response, "")
        if not address:
            raise RegistryFailure(f"{reference.registry} begins an upload without saying where")
        return Upload(address=address, least=limits[0], most=limits[1])

    def send_part(
        self, reference: Reference, upload: Upload, start: int, size: int, body: Callable[[], Iterable[bytes]]
    ) -> Upload:
        """Send ``size`` bytes of a blob from ``start`` on; not repeated. Returns where the next request goes.

        Raises:
            RegistryFailure: They did not arrive, or only some did: :meth:`find_upload` tells.
        """
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            "Content-Range": f"{start}-{start + size - 1}",
        }
        call = _call("PATCH", reference, "", what="cannot send a part of a blob", actions=_WRITE)
        call = attrs.evolve(call, path=upload.address, headers=headers, body=body, expect=(202,))
        with self._once(call) as response:
            return attrs.evolve(upload, address=_location(response, upload.address), sent=size)

    def find_upload(self, reference: Reference, upload: Upload) -> Upload:
        """Return how far an upload got.

        Raises:
            NotFound: The registry has forgotten it.
        """
        call = _call("GET", reference, "", what="cannot find an upload", actions=_WRITE)
        with self._send(attrs.evolve(call, path=upload.address, expect=(200, 202, 204))) as response:
            end = _RANGE.fullmatch(response.header("Range") or "")
            # "0-0" is what registries say of an upload that has nothing yet.
            sent = int(end.group(1)) + 1 if end and end.group(1) != "0" else 0
            return attrs.evolve(upload, address=_location(response, upload.address), sent=sent)

    def mount(self, reference: Reference, blob: Descriptor, source: str) -> bool:
        """Take a blob over from another repository of the same registry; False when that cannot be."""
        query = urlencode({"mount": blob.digest, "from": source})
        call = _call("POST", reference, f"blobs/uploads/?{query}", what="cannot mount a blob", actions=_WRITE)
        access = attrs.evolve(call.access, source=source)
        try:
            with self._send(attrs.evolve(call, access=access, headers=_EMPTY, expect=(201, 202))) as response:
                return response.status == 201
        except (Unauthorized, NotFound):
            # We may not read there, and need not.
            return False

    def finish_upload(
        self, reference: Reference, address: str, blob: Descriptor, body: Callable[[], Iterable[bytes]] | None = None
    ) -> None:
        """End an upload, with all of the blob or after all of its parts; not repeated.

        Args:
            reference: Where the blob goes.
            address: The upload's.
            blob: What the registry must have in the end.
            body: Returns all of the blob's bytes, and may be asked twice; None: they are there already.

        Raises:
            RegistryFailure: The registry refused it; the address is of no further use. One that has forgotten the
                upload may take another one.
        """
        parts = urlsplit(address)
        query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("digest", blob.digest)])
        call = _call("PUT", reference, "", what=f"cannot send the blob {blob.digest}", actions=_WRITE)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob.size if body else 0)}
        path = urlunsplit(parts._replace(query=query))
        try:
            self._once(attrs.evolve(call, path=path, headers=headers, body=body, expect=(201,))).close()
        except NotFound as forgotten:
            forgotten.retryable = True
            raise

    def put_manifest(self, reference: Reference, descriptor: Descriptor, data: bytes) -> None:
        """Store a manifest under a tag, or under its digest when the reference has no tag.

        Raises:
            DigestMismatch: The registry says that it got something else.
        """
        target = reference.tag or descriptor.digest
        call = _call("PUT", reference, f"manifests/{target}", what="cannot send the manifest", actions=_WRITE)
        headers = {"Content-Type": descriptor.media_type}
        with self._send(attrs.evolve(call, headers=headers, body=lambda: data, expect=(201,))) as response:
            stored = response.header("Docker-Content-Digest")
        if stored and stored != descriptor.digest:
            raise DigestMismatch(f"the registry stored {stored[:100]!r} where {descriptor.digest} was sent")

    def _send(self, call: Call) -> Response:
        return self.retry.run(lambda: self._once(call))

    def _once(self, call: Call) -> Response:
        return send(call, self.transport, self._auth)

    def _read(self, call: Call, limit: int) -> tuple[bytes, Response]:
        def attempt() -> tuple[bytes, Response]:
            with self._once(call) as response:
                return response.read_all(limit), response

        return self.retry.run(attempt)


def _call(method: str, reference: Reference, tail: str, *, what: str, actions: str = "pull") -> Call:
    access = Access(registry=reference.registry, repository=reference.repository, actions=actions)
    path = f"/v2/{reference.repository}/{tail}"
    return Call(method=method, access=access, path=path, what=what, name=reference.name)


def _manifest_call(method: str, reference: Reference, what: str) -> Call:
    call = _call(method, reference, f"manifests/{reference.target}", what=what)
    return attrs.evolve(call, name=str(reference), headers={"Accept": media.ACCEPT})


def _media_type(response: Response) -> str:
    return (response.header("Content-Type") or "").partition(";")[0].strip()


def _location(response: Response, usual: str) -> str:
    location = response.header("Location")
    return urljoin(response.url, location) if location else usual


def _length(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _on_same_host(url: str, target: str) -> str:
    following = urljoin(url, target)
    if origin(following) != origin(url):
        raise RegistryFailure("a registry's list of tags goes on at another host")
    return following


def _checked_digest(data: bytes, reference: Reference, announced: str | None) -> digests.Digest:
    digest = digests.of_bytes(data)
    announced = announced if announced and announced.startswith("sha256:") else None
    for expected in (reference.digest, announced):
        if expected is not None and expected != digest:
            raise DigestMismatch(f"the registry sent {digest} for {reference} instead of {expected[:100]}")
    return digest
