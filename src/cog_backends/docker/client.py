"""The door to docker-py: the only module that imports it, and the only one that knows its exceptions."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import attrs
import docker
import requests.exceptions
from docker import errors as docker_errors
from docker.context import ContextAPI
from docker.context.config import get_current_context_name
from docker.types import DeviceRequest

from cog_core.backend import ImageInfo, Layer
from cog_core.errors import BackendError, BackendUnavailable, CogError, ImageNotFound, RegistryError
from cog_core.values import Platform

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from cog_core.settings import Settings

_TIMEOUT = 600


@contextlib.contextmanager
def mapped_errors(reference: str = "") -> Iterator[None]:
    """Turn every exception of docker-py and of its HTTP library into one of ours."""
    try:
        yield
    except docker_errors.ImageNotFound as error:
        raise ImageNotFound(
            f"image {reference or 'asked for'!s} not found", hint="Build it, or pull it from its registry."
        ) from error
    except docker_errors.APIError as error:
        raise _translated(str(error.explanation or error)) from error
    except docker_errors.DockerException as error:
        raise _translated(str(error)) from error
    except requests.exceptions.RequestException as error:
        raise BackendUnavailable(f"the Docker engine does not answer: {error}") from error


def _translated(message: str) -> CogError:
    """Say what to do about the daemon's commonest complaints."""
    for part, family, hint in _ADVICE:
        if part in message.lower():
            return family(message.strip(), hint=hint)
    return BackendError(message.strip())


_SILENCE = (
    ("FileNotFoundError", "its socket is not there"),
    ("ConnectionRefusedError", "the connection was refused"),
    ("PermissionError", "you may not open its socket"),
)

_ADVICE: tuple[tuple[str, type[CogError], str], ...] = (
    ("no space left on device", BackendError, "Free space with `docker system prune`, or give Docker a larger disk."),
    ("permission denied", BackendUnavailable, "Add yourself to the group docker, or use --backend podman or oci."),
    ("connection refused", BackendUnavailable, "Start Docker, or use --backend oci, which needs no engine."),
    ("no such file or directory", BackendUnavailable, "Start Docker, or use --backend oci, which needs no engine."),
    ("unauthorized", RegistryError, "Log in with `cog login` or `docker login`."),
    ("denied", RegistryError, "Log in with `cog login` or `docker login`; check that you may write there."),
    ("x509", RegistryError, "The registry's certificate is not trusted by the engine; see its documentation on CAs."),
    ("port is already allocated", BackendError, "Choose another port with -p."),
)


def context_name(settings: Settings) -> str:
    """Return the name of the Docker context in use; ``default`` when ``DOCKER_HOST`` overrides contexts."""
    if settings.environ.get("DOCKER_HOST"):
        return "default"
    return settings.environ.get("DOCKER_CONTEXT") or str(get_current_context_name())


@attrs.define
class Engine:
    """A connection to an engine; made by :func:`connect`."""

    api: docker.APIClient
    host: str
    version: str
    platform: Platform

    @property
    def is_local(self) -> bool:
        """Whether the engine sees the same files as we do."""
        return self.host.startswith(("unix://", "http+unix://", "npipe://"))

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
            self.api.inspect_image(reference)
        except docker_errors.ImageNotFound:
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

    def tag(self, source: str, target: str) -> None:
        """Give an image another name."""
        repository, tag = _split(target)
        with mapped_errors(source):
            self.api.tag(source, repository, tag)

    def remove(self, reference: str) -> None:
        """Take a name from the store, and what nothing else needs with it; a missing one is fine."""
        with mapped_errors(reference), contextlib.suppress(docker_errors.APIError):
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
def _answering() -> Iterator[None]:
    """Say in one line that nobody answers, instead of the HTTP library's chain of reasons."""
    try:
        yield
    except BackendUnavailable as error:
        for sign, why in _SILENCE:
            if sign in error.message:
                raise BackendUnavailable(f"no Docker engine answers: {why}", hint=error.hint) from error
        raise


def connect(settings: Settings) -> Engine:
    """Connect to the engine that the user's environment means: ``DOCKER_HOST``, else the current context.

    Raises:
        BackendUnavailable: It does not answer.
    """
    environ = dict(settings.environ)
    with _answering(), mapped_errors():
        host = environ.get("DOCKER_HOST") or ContextAPI.kwargs_from_context(environment=environ).get("base_url") or ""
        client = docker.from_env(
            environment=environ,
            version="auto",
            timeout=_TIMEOUT,
            use_ssh_client=str(host).startswith("ssh://"),
        )
        facts = client.api.version(api_version=False)
    return Engine(
        api=client.api,
        host=str(host) or "unix:///var/run/docker.sock",
        version=facts["Version"],
        platform=Platform(facts["Os"], facts["Arch"]),
    )


def gpu_request(asked: str) -> DeviceRequest:
    """Return what ``docker run --gpus`` would send: ``all``, a number, or ``device=0,1``."""
    if asked.startswith("device="):
        return DeviceRequest(device_ids=asked.partition("=")[2].split(","), capabilities=[["gpu"]])
    return DeviceRequest(count=-1 if asked in {"all", "auto"} else int(asked), capabilities=[["gpu"]])


def _split(reference: str) -> tuple[str, str | None]:
    """Split off a tag; a colon before the last slash belongs to a port."""
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, None)
