"""The door to docker-py: the only module that imports it, and the only one that knows its exceptions.

It is imported when it is needed: with an engine on this machine that is not before something runs or travels.
"""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs

from cog_backends.docker.contexts import endpoint, socket_of
from cog_backends.docker.socket_api import Refused, Silent, SocketApi
from cog_core.backend import ImageInfo, Layer
from cog_core.engine_advice import registry_advice
from cog_core.errors import BackendError, BackendUnavailable, CogError, ImageNotFound, RegistryError
from cog_core.gpus import Gpus
from cog_core.values import Platform

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from docker.tls import TLSConfig
    from docker.types import DeviceRequest

    from cog_backends.docker.contexts import Endpoint
    from cog_core.settings import Settings

_TIMEOUT = 600
_PATIENCE = 5
"""Seconds for the first answer over a network; a machine that is off would not even refuse."""


@contextlib.contextmanager
def mapped_errors(reference: str = "") -> Iterator[None]:
    """Turn every exception of docker-py, of its HTTP library and of our own door into one of ours."""
    try:
        yield
    except CogError:
        raise
    except Exception as error:
        ours = _ours(error, reference)
        if ours is None:
            raise
        raise ours from error


def _ours(error: Exception, reference: str) -> CogError | None:
    """Return an engine's or a library's complaint as an error of ours; None when it is something else."""
    match error:
        case Refused(status=404) if "no such image" in str(error).lower():
            return _not_found(reference)
        case Refused():
            return _translated(str(error), _COMPLAINTS)
        case Silent():
            return _translated(str(error), _SILENT)
        case _:
            return _of_docker_py(error, reference)


def _of_docker_py(error: Exception, reference: str) -> CogError | None:
    import requests.exceptions  # noqa: PLC0415 - slow, and only needed when something failed
    from docker import errors  # noqa: PLC0415

    match error:
        case errors.ImageNotFound():
            return _not_found(reference)
        case errors.APIError():
            return _translated(str(error.explanation or error), _COMPLAINTS)
        case errors.DockerException():
            return _translated(str(error), _SILENT)
        case requests.exceptions.RequestException():
            return BackendUnavailable(f"the Docker engine does not answer: {error}")
        case _:
            return None


def _not_found(reference: str) -> ImageNotFound:
    return ImageNotFound(
        f"image {reference or 'asked for'!s} not found", hint="Build it, or pull it from its registry."
    )


def _translated(message: str, advised: _Advice) -> CogError:
    """Say what to do about the commonest complaints."""
    for part, family, hint in advised:
        if part in message.lower():
            return family(message.strip(), hint=hint)
    if advice := registry_advice(message):
        return RegistryError(message.strip(), hint=advice)
    return BackendError(message.strip())


_SILENCE = (
    ("FileNotFoundError", "its socket is not there"),
    ("ConnectionRefusedError", "the connection was refused"),
    ("paramiko", "ssh:// needs the Python package paramiko"),
    ("PermissionError", "you may not open its socket"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not signed by the authority in ca.pem"),
    ("_ALERT_", "it does not accept our certificate"),
    ("NameResolutionError", "its name is not known"),
    ("Connection refused", "the connection was refused"),
    ("timed out", "nothing came in time"),
    ("No route to host", "there is no way to it"),
    ("Network is unreachable", "there is no way to it"),
    ("RemoteDisconnected", "the connection was ended"),
    ("Client Error for http", "something else answers there"),
)

_ELSEWHERE = "Start Docker there, correct DOCKER_HOST or the context, or use --backend oci, which needs no engine."
_CERTIFICATES = "Set DOCKER_CERT_PATH to a folder with ca.pem, cert.pem and key.pem that the engine accepts."
_Advice = tuple[tuple[str, type[CogError], str], ...]
_COMPLAINTS: _Advice = (
    ("no space left on device", BackendError, "Free space with `docker system prune`, or give Docker a larger disk."),
    ("port is already allocated", BackendError, "Choose another port with -p."),
    (
        "creating mount source path",
        BackendError,
        "The engine's user may not read this folder: use the engine of the user whose project it is.",
    ),
)
"""What an engine says that answers."""
_SILENT: _Advice = (
    ("permission denied", BackendUnavailable, "Add yourself to the group docker, or use --backend podman or oci."),
    ("connection refused", BackendUnavailable, "Start Docker, or use --backend oci, which needs no engine."),
    ("no such file or directory", BackendUnavailable, "Start Docker, or use --backend oci, which needs no engine."),
    ("certificate required", BackendUnavailable, _CERTIFICATES),
    ("bad certificate", BackendUnavailable, _CERTIFICATES),
    ("unknown certificate authority", BackendUnavailable, _CERTIFICATES),
)
"""What is said of one that does not."""


@attrs.define
class Engine:
    """A connection to an engine; made by :func:`connect`."""

    api: Any
    host: str
    version: str
    platform: Platform

    @property
    def is_local(self) -> bool:
        """Whether the engine sees the same files as we do."""
        return self.host.startswith(("unix://", "http+unix://", "npipe://"))

    @property
    def keeps_images_in_containerd(self) -> bool:
        """Whether its images are in containerd's store (docs.docker.com, "containerd image store")."""
        with mapped_errors():
            status = self.api.info().get("DriverStatus") or ()
        return ["driver-type", "io.containerd.snapshotter.v1"] in status

    @property
    def address(self) -> str:
        """The IP address of a remote engine's machine, as it is reached from here.

        Raises:
            BackendUnavailable: Its name is not known here, for example because it is an alias of ssh's.
        """
        name = urlsplit(self.host).hostname or ""
        try:
            return socket.gethostbyname(name)
        except OSError as error:
            raise BackendUnavailable(
                f"ports of the engine at {self.host} cannot be reached: {name!r} has no address here",
                hint="Name the machine by its address in DOCKER_HOST or the context.",
            ) from error

    def inspect(self, reference: str) -> ImageInfo:
        """Return what an image says about itself."""
        with mapped_errors(reference):
            raw = self.api.inspect_image(reference)
        config = raw.get("Config") or {}
        return ImageInfo(
            image_id=raw["Id"],
            digest=next((name.partition("@")[2] for name in raw.get("RepoDigests") or ()), None),
            references=tuple(raw.get("RepoTags") or ()),
            platform=Platform(raw["Os"], raw["Architecture"], raw.get("Variant") or None),
            labels=config.get("Labels") or {},
            config=config,
            layers=self._layers(reference, tuple((raw.get("RootFS") or {}).get("Layers") or ())),
            size=raw.get("Size"),
            location=self.host,
        )

    def _layers(self, reference: str, diff_ids: tuple[str, ...]) -> tuple[Layer, ...]:
        """Join diff ids with the history entries that made them; entries of size 0 may still be layers."""
        with mapped_errors(reference):
            history = list(reversed(self.api.history(reference)))
        made = [entry for entry in history if entry.get("Size")]
        if len(made) != len(diff_ids):
            return tuple(Layer(diff_id=diff_id) for diff_id in diff_ids)
        return tuple(
            Layer(diff_id=diff_id, size=entry["Size"], created_by=entry.get("CreatedBy", ""))
            for diff_id, entry in zip(diff_ids, made, strict=True)
        )

    def has(self, reference: str) -> bool:
        """Whether the engine's store holds an image."""
        try:
            with mapped_errors(reference):
                self.api.inspect_image(reference)
        except ImageNotFound:
            return False
        return True

    def classic_build(
        self,
        context: Iterable[bytes],
        *,
        tag: str | None = None,
        build_args: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        no_cache: bool = False,
        pull: bool = False,
    ) -> Generator[dict[str, Any]]:
        """Build with the classic builder and yield its messages; closing the iterator cancels the build."""
        with mapped_errors():
            yield from self.api.build(
                fileobj=context,
                custom_context=True,
                tag=tag,
                buildargs=dict(build_args or {}),
                labels=dict(labels or {}),
                nocache=no_cache,
                pull=pull,
                rm=True,
                forcerm=True,
                decode=True,
            )

    def import_layer(self, archive: Iterable[bytes], reference: str) -> None:
        """Make an image of one layer from a tar archive of its files, as ``docker import`` does.

        Raises:
            BackendError: The engine cannot.
        """
        repository, tag = _split(reference)
        with mapped_errors(reference):
            answer = self.api.import_image_from_stream(archive, repository, tag)
        for message in map(json.loads, answer.splitlines()):
            if "error" in message:
                raise BackendError(f"the engine cannot take the files of {reference}: {message['error']}")

    def names(self, repository: str) -> list[str]:
        """Return the names of a repository's images, those of the newest image first."""
        with mapped_errors(repository):
            found = self.api.images(name=repository)
        found.sort(key=lambda image: image["Created"], reverse=True)
        return [name for image in found for name in image.get("RepoTags") or ()]

    def tag(self, source: str, target: str) -> None:
        """Give an image another name."""
        repository, tag = _split(target)
        with mapped_errors(source):
            self.api.tag(source, repository, tag)

    def remove(self, reference: str) -> None:
        """Take a name from the store, and what nothing else needs with it; a missing one is fine."""
        with contextlib.suppress(BackendError, RegistryError), mapped_errors(reference):
            self.api.remove_image(reference, noprune=False)

    def save(self, reference: str) -> Iterator[bytes]:
        """Yield the image as ``docker save`` writes it."""
        with mapped_errors(reference):
            yield from self.api.get_image(reference)

    def load(self, archive: Iterable[bytes]) -> Iterator[dict[str, Any]]:
        """Read an archive as ``docker load`` does and yield messages."""
        with mapped_errors():
            yield from self.api.load_image(archive)

    def push(self, reference: str) -> Iterator[dict[str, Any]]:
        """Push by the engine, with the user's credentials and their helpers, and yield messages."""
        repository, tag = _split(reference)
        with mapped_errors(reference):
            yield from self.api.push(repository, tag, stream=True, decode=True)

    def pull(self, reference: str) -> Iterator[dict[str, Any]]:
        """Pull by the engine and yield messages."""
        repository, tag = _split(reference)
        with mapped_errors(reference):
            yield from self.api.pull(repository, tag, stream=True, decode=True)


@contextlib.contextmanager
def _answering(settings: Settings) -> Iterator[None]:
    """Say in one line that nobody answers, instead of the HTTP library's chain of reasons."""
    try:
        yield
    except CogError as error:
        for sign, why in _SILENCE:
            if sign in error.message:
                host = endpoint(settings).host
                where = "" if host.startswith("unix://") else f" at {host}"
                hint = _CERTIFICATES if "certificate" in why else error.hint or _ELSEWHERE
                raise BackendUnavailable(f"no Docker engine answers{where}: {why}", hint=hint) from error
        raise


def connect(settings: Settings) -> Engine:
    """Connect to the engine that the user's environment means: ``DOCKER_HOST``, else the current context.

    Raises:
        BackendUnavailable: It does not answer.
    """
    with _answering(settings), mapped_errors():
        if path := socket_of(settings):
            host, api = f"unix://{path}", SocketApi(path, lambda: _docker_py(settings)[1])
            facts = api.version()
        else:
            host, api = _docker_py(settings)
            facts = api.version(api_version=False)
    return Engine(api=api, host=host, version=facts["Version"], platform=Platform(facts["Os"], facts["Arch"]))


def _docker_py(settings: Settings) -> tuple[str, Any]:
    """Return the engine's address, and docker-py's client for it."""
    import docker  # noqa: PLC0415 - slow

    class Client(docker.APIClient):  # type: ignore[misc]
        def merge_environment_settings(self, url: str, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
            """Keep the engine's own authority: requests would rather take ``REQUESTS_CA_BUNDLE``."""
            verify = self.verify if verify is None else verify
            return super().merge_environment_settings(url, proxies, stream, verify, cert)

    found = endpoint(settings)
    by_network = found.host.startswith(("tcp://", "http://", "https://"))
    with mapped_errors():
        api = Client(
            base_url=found.host,
            version="auto",
            timeout=_PATIENCE if by_network else _TIMEOUT,
            tls=_tls(found),
            use_ssh_client=found.host.startswith("ssh://"),
        )
        api.timeout = _TIMEOUT
    return found.host, api


def _tls(found: Endpoint) -> TLSConfig | bool:
    from docker.tls import TLSConfig  # noqa: PLC0415 - slow

    if found.certificates is None:
        return False
    files = {name: str(found.certificates / f"{name}.pem") for name in ("ca", "cert", "key")}
    pair = (files["cert"], files["key"]) if Path(files["cert"]).exists() else None
    return TLSConfig(client_cert=pair, ca_cert=files["ca"] if found.verify else None, verify=found.verify)


def gpu_request(asked: str) -> DeviceRequest:
    """Return what ``docker run --gpus`` would send."""
    from docker.types import DeviceRequest  # noqa: PLC0415 - slow

    gpus = Gpus.parse(asked)
    if gpus.devices:
        return DeviceRequest(device_ids=list(gpus.devices), capabilities=[["gpu"]])
    return DeviceRequest(count=-1 if gpus.count is None else gpus.count, capabilities=[["gpu"]])


def _split(reference: str) -> tuple[str, str | None]:
    """Split off a tag; a colon before the last slash belongs to a port."""
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, None)
