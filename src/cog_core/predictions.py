"""The library's verbs for running models: open one, serve it, ask it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core import holders, images, inputs, labels
from cog_core.backend import Bind, RunRequest
from cog_core.certificates import company_file
from cog_core.client import ModelClient
from cog_core.clock import monotonic
from cog_core.draft import openapi
from cog_core.errors import BackendUnavailable, ImageNotFound
from cog_core.events import StepFailed, StepFinished, StepStarted, ignore
from cog_core.gpus import Gpus
from cog_core.image_failures import mapped
from cog_core.layouts import is_layout
from cog_core.planner import COMMAND, PORT, SOURCE_FOLDER
from cog_core.plugins import candidates
from cog_core.project import CONFIG_FILES, Project, open_project
from cog_core.results import Prediction
from cog_core.values import image_name
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from os import PathLike

    from cog_core.backend import Container
    from cog_core.events import Emit, Event
    from cog_core.settings import Settings
    from cog_core.tools import Tools

SETUP_TIMEOUT: Final = 300.0
"""Seconds that setup may take (reference, section 2.4)."""

_CERTIFICATES: Final = "/run/cog-ca"


@attrs.frozen(kw_only=True)
class Model(Frozen):
    """Something that can be started: an image, or a project whose environment is built first.

    Attributes:
        schema: The OpenAPI document; empty for a project without a model.
        project: The project; None for an image.
        reference: Name of the image; None for a project.
        holder: Name of the backend that has the image.
        gpu: The model wants a GPU.
        environment: What its image sets, or its project, as ``NAME=VALUE``.
        told: Warnings about its source that were told when it was opened.
    """

    schema: Mapping[str, Any]
    project: Project | None = None
    reference: str | None = None
    holder: str | None = None
    gpu: bool = False
    environment: tuple[str, ...] = attrs.field(default=(), repr=False)
    told: frozenset[Event] = frozenset()


@attrs.frozen(kw_only=True)
class Served(Frozen):
    """A model that answers.

    Attributes:
        client: Talks to it.
        container: What it runs in.
        backend: Name of the backend that runs it.
    """

    client: ModelClient
    container: Container
    backend: str


@attrs.frozen(kw_only=True)
class RunOptions(Frozen):
    """How a model is started.

    Attributes:
        environment: Added to the image's own.
        address: Where it listens on this machine: ``host:port``; port 0 lets the machine choose.
        gpus: As ``docker run --gpus`` takes it; by default all, when the model wants one and there is one.
        setup_timeout: Seconds that setup may take.
        healthy: Whether the model's own health check has to be content before it counts as started.
        arguments: For the server, such as ``--upload-url``.
        ports: Further pairs of host address and container port.
        on_line: Called with ``stdout`` or ``stderr`` and each line that the model prints.
    """

    environment: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    address: str = "127.0.0.1:0"
    gpus: str | None = None
    setup_timeout: float = SETUP_TIMEOUT
    healthy: bool = True
    arguments: tuple[str, ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    on_line: Callable[[str, str], None] = lambda _stream, _line: None


def is_directory(target: str) -> bool:
    """Say whether a text means a directory rather than an image.

    It does when it starts with ``.`` or ``/``, ends with ``/``, or names a folder with a configuration or a layout.
    """
    path = Path(target)
    holds = any((path / name).is_file() for name in (*CONFIG_FILES, "oci-layout"))
    return target.startswith((".", "/")) or target.endswith("/") or holds


def open_model(
    target: str | PathLike[str] = ".",
    *,
    file: str | None = None,
    backend: str | None = None,
    strict: bool = False,
    on_event: Emit = ignore,
    settings: Settings | None = None,
) -> Model:
    """Find a model and read what it takes; nothing is built or started yet, but an image may be pulled.

    Args:
        target: A project's folder, an OCI layout, or the name of an image.
        file: Name of the configuration instead of ``cog.yaml``.
        backend: Look for the image only there.
        strict: Unknown keys of ``cog.yaml`` are errors.
        on_event: Called with each event of a pull.
        settings: Instead of what the environment says.

    Raises:
        ConfigError: The folder has no usable configuration.
        SchemaError: The model's source cannot be understood.
        ImageNotFound: There is no such image, or it is no model.
    """
    text = str(target)
    if is_directory(text):
        if is_layout(Path(text)):
            with mapped():
                name, holder = holders.take_layout(Path(text), images.tools(settings, on_event), backend=backend)
            return open_model(name, backend=holder, on_event=on_event, settings=settings)
        project = open_project(Path(text), file=file, strict=strict)
        told: list[Event] = []
        schema = openapi(project, told.append) or {}
        for event in told:
            on_event(event)
        return Model(
            schema=schema,
            project=project,
            gpu=project.config.build.gpu,
            environment=project.config.environment,
            told=frozenset(told),
        )
    kit = images.tools(settings, on_event)
    holder, info = holders.find_or_pull(text, kit, backend=backend, to_run=True, on_event=on_event)
    if not labels.is_model(info.labels):
        raise ImageNotFound(
            f"image {text}: image is not a Cog model", hint="It has none of the labels of Cog's images."
        )
    config = json.loads(labels.read_config(info.labels) or "{}")
    return Model(
        schema=labels.read_schema(info.labels) or {},
        reference=text,
        holder=holder,
        gpu=bool((config.get("build") or {}).get("gpu")),
        environment=tuple(info.config.get("Env") or ()),
    )


@contextlib.contextmanager
def serving(
    model: Model,
    options: RunOptions | None = None,
    *,
    backend: str | None = None,
    on_event: Emit = ignore,
    settings: Settings | None = None,
) -> Iterator[Served]:
    """Start a model, wait for the end of its setup, and stop it when the context is left.

    Args:
        model: From :func:`open_model`.
        options: How to start it.
        backend: Who builds and runs a project.
        on_event: Called with each event.
        settings: Instead of what the environment says.

    Raises:
        BackendError: It could not be built or started.
        PredictionError: Setup failed.
    """
    options = options or RunOptions()
    gpus = _gpus(options, model)
    kit = images.tools(settings, on_event)
    reference, holder = _image_of(model, backend, kit, on_event)
    binds, environment = _surroundings(model, kit.settings)
    request = RunRequest(
        reference=reference,
        command=(*COMMAND, *options.arguments) if options.arguments else None,
        environment={**environment, **options.environment},
        binds=binds,
        ports=((options.address, PORT), *options.ports),
        gpus=gpus,
        serves=True,
    )
    on_event(StepStarted(id="setup", name="start the image and run setup()"))
    started = monotonic()
    with _start(holder, kit, request, options.on_line) as container:
        host, port = container.addresses[0]
        client = ModelClient.of(host, port, dict(_pairs(model.environment)) | dict(request.environment))
        try:
            client.wait_until_ready(container, options.setup_timeout, healthy=options.healthy)
        except BaseException as error:
            on_event(StepFailed(id="setup", message=str(error).partition("\n")[0] or type(error).__name__))
            raise
        on_event(StepFinished(id="setup", seconds=monotonic() - started))
        yield Served(client=client, container=container, backend=holder)


def predict(
    target: str | PathLike[str],
    given: Mapping[str, Any] | None = None,
    *,
    backend: str | None = None,
    options: RunOptions | None = None,
    on_event: Emit = ignore,
    settings: Settings | None = None,
) -> Prediction:
    """Run one prediction.

    Args:
        target: A project's folder, or the name of an image.
        given: Inputs by name; files as :class:`pathlib.Path`.
        backend: Who builds and runs a project.
        options: How to start it.
        on_event: Called with each event.
        settings: Instead of what the environment says.

    Raises:
        InputInvalid: The inputs do not fit the model; nothing was started.
        CogError: It could not be built, started, or asked.
    """
    model = open_model(target, backend=backend, on_event=on_event, settings=settings)
    body = _as_json(given or {})
    inputs.check(body, inputs.InputSchema.of(model.schema))
    with serving(model, options, backend=backend, on_event=on_event, settings=settings) as served:
        return ask(served, body)


def ask(served: Served, given: Mapping[str, Any], *, context: Mapping[str, str] | None = None) -> Prediction:
    """Send inputs that are JSON already to a model, and return what it answers.

    Raises:
        InputInvalid: The model refused the inputs.
        PredictionError: It refused the request, or went away.
    """
    answer = served.client.predict({"input": dict(given), "context": dict(context or {})})
    return Prediction(
        status=str(answer.get("status")),
        output=answer.get("output"),
        error=answer.get("error") or None,
        metrics=answer.get("metrics") or {},
        logs=answer.get("logs") or "",
        schema=served.client.schema(),
    )


@contextlib.contextmanager
def environment(
    project: Project,
    command: tuple[str, ...],
    options: RunOptions,
    *,
    backend: str | None = None,
    on_event: Emit = ignore,
    settings: Settings | None = None,
) -> Iterator[Container]:
    """Run a command in a project's environment, with the project mounted and our terminal connected.

    Raises:
        BackendError: The environment could not be built, or the command not started.
    """
    model = Model(schema={}, project=project, gpu=project.config.build.gpu)
    gpus = _gpus(options, model)
    kit = images.tools(settings, on_event)
    reference, holder = _image_of(model, backend, kit, on_event)
    binds, variables = _surroundings(model, kit.settings)
    request = RunRequest(
        reference=reference,
        command=command,
        environment={**variables, **options.environment},
        binds=binds,
        ports=options.ports,
        gpus=gpus,
        interactive=True,
    )
    on_event(StepStarted(id="start", name=f"start {command[0]}"))
    started = monotonic()
    with _start(holder, kit, request, options.on_line) as container:
        on_event(StepFinished(id="start", seconds=monotonic() - started))
        yield container


def _image_of(model: Model, backend: str | None, kit: Tools, on_event: Emit) -> tuple[str, str]:
    """Return the image to start and the name of the backend that has it, building a project's environment."""
    if model.project is None:
        assert model.reference is not None
        assert model.holder is not None
        return model.reference, model.holder
    tag = f"{image_name(model.project.root.name)}-base"
    result = images.build(
        model.project.root,
        file=model.project.config_file,
        tag=tag,
        backend=backend,
        with_source=False,
        to_run=True,
        on_event=lambda event: None if event in model.told else on_event(event),
        settings=kit.settings,
    )
    return tag, result.backend


def _start(name: str, kit: Tools, request: RunRequest, on_line: Callable[[str, str], None]) -> Container:
    candidate = next(iter(candidates(kit.plugins, kit.settings, only=name)))
    if not candidate.probe.usable:
        raise BackendUnavailable(
            f"backend {name!r} cannot be used here: {candidate.probe.reason}",
            hint="`cog backends` says what it needs.",
        )
    if candidate.runner is None:
        raise holders.cannot_run(name, kit)
    with candidate.blamed():
        return candidate.runner.run(request, on_line)


def _gpus(options: RunOptions, model: Model) -> str | None:
    """Return which GPUs the container gets; what somebody asks for is read here, before anything starts."""
    if options.gpus:
        Gpus.parse(options.gpus)
    return options.gpus or ("auto" if model.gpu else None)


def _surroundings(model: Model, settings: Settings) -> tuple[tuple[Bind, ...], dict[str, str]]:
    """Return folders and variables that every container gets: the project, a company's certificates, short logs."""
    binds: list[Bind] = []
    variables = {"LOG_FORMAT": "console", "COG_LOG_LEVEL": "debug" if settings.debug else "warning"}
    if model.project is not None:
        binds.append(Bind(source=model.project.root, target=SOURCE_FOLDER))
        variables["PYTHONDONTWRITEBYTECODE"] = "1"  # the project is the user's, and not ours to write to
    if bundle := company_file(settings):
        binds.append(Bind(source=bundle.parent, target=_CERTIFICATES, read_only=True))
        variables["COG_CA_CERT"] = f"{_CERTIFICATES}/{bundle.name}"
    return tuple(binds), variables


def _pairs(environment: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for pair in environment:
        name, _, value = pair.partition("=")
        yield name, value


def _as_json(given: Mapping[str, Any]) -> dict[str, Any]:
    def converted(value: Any) -> Any:
        if isinstance(value, Path):
            return inputs.data_url(value)
        return [converted(item) for item in value] if isinstance(value, list | tuple) else value

    return {name: converted(value) for name, value in given.items()}
