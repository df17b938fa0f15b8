"""One request to a registry as a value, and how it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

import attrs

from cog_oci.failures import failure_of
from cog_oci.frozen import Frozen
from cog_oci.transport import origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cog_oci.auth import Access, Authenticator
    from cog_oci.transport import Response, Transport


@attrs.frozen(kw_only=True)
class Call(Frozen):
    """What to ask a registry.

    Attributes:
        method: HTTP method.
        access: What a token must allow for it.
        path: Path and query in the registry, or a whole address.
        what: How an error calls it, such as ``cannot list the tags``.
        name: What it is about: an image, a repository, a registry.
        expect: Statuses that mean success.
        headers: Beside ``Authorization``.
        body: Returns the body, anew each time.
    """

    method: str
    access: Access
    path: str
    what: str
    name: str
    expect: tuple[int, ...] = (200,)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: Callable[[], bytes | Iterable[bytes]] | None = None


def send(call: Call, transport: Transport, auth: Authenticator) -> Response:
    """Send a request, and once more if the registry wants to know who asks.

    Raises:
        RegistryFailure: The answer has an unexpected status, or there is none.
    """
    base = transport.base(call.access.registry)
    url = urljoin(base, call.path)
    # An upload may lead to another host, which has no business with our login.
    is_registry = origin(url) == origin(base)
    response, header = _attempt(call, url, transport, auth if is_registry else None)
    if response.status == 401 and is_registry and auth.refused(call.access, header, response):
        response.close()
        response, _ = _attempt(call, url, transport, auth)
    if response.status in call.expect:
        return response
    with response:
        raise failure_of(response, what=call.what, reference=call.name)


def _attempt(call: Call, url: str, transport: Transport, auth: Authenticator | None) -> tuple[Response, str | None]:
    header = auth.header(call.access) if auth is not None else None
    headers = {**call.headers, **({"Authorization": header} if header else {})}
    return transport.request(call.method, url, headers=headers, body=call.body() if call.body else None), header
