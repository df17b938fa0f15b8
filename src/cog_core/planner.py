"""From a resolved, locked and understood project to the plan of its image. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_core.ir.lower import CA_CERT, RUNTIME_FOLDER, SECRETS_FOLDER
from cog_core.ir.plan import BuildPlan, Decision, ImageConfig, Stage
from cog_core.ir.steps import (
    Copy,
    Env,
    ImageBase,
    PythonBase,
    PythonPackages,
    Run,
    Runtime,
    SecretMount,
    SystemPackages,
    Weights,
    Workdir,
    Write,
)
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.config import Concurrency
    from cog_core.ir.steps import Base, Pairs, Step
    from cog_core.lock import LockedPackages
    from cog_core.resolve import ResolvedBuild, RunCommand

SOURCE_FOLDER: Final = "/src"
SCHEMA_FILE: Final = f"{RUNTIME_FOLDER}/model/openapi_schema.json"
"""Where the server reads the schema; outside the source folder, which a mount may hide."""
SCHEMA_COPY: Final = f"{SOURCE_FOLDER}/.cog/openapi_schema.json"
"""Where upstream's images have it."""
PORT: Final = 5000
COMMAND: Final = ("python", "-m", "cog.server.http")

_ALWAYS: Final = (("DEBIAN_FRONTEND", "noninteractive"), ("PYTHONUNBUFFERED", "1"))
_WITH_GPU: Final = (
    ("LD_LIBRARY_PATH", "/usr/lib/x86_64-linux-gnu:/usr/local/nvidia/lib64:/usr/local/nvidia/bin"),
    ("NVIDIA_DRIVER_CAPABILITIES", "all"),
)
_CA_VARIABLES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO")


@attrs.frozen(kw_only=True)
class PlanInputs(Frozen):
    """Everything a plan is made from.

    Attributes:
        resolved: What the author wants.
        locked: The Python packages.
        schema: The OpenAPI document as JSON; None for an environment without a model.
        bundle: Digest of the runtime bundle.
        base: Reference of the base image, and why; None leaves it to the backend.
        weights: Paths of the author's large files.
        secrets: Ids of the secrets that the build has.
        labels: The image's labels.
        created: Time of the image, in seconds since 1970.
        with_source: Copy the author's files; otherwise they are mounted when the image runs.
    """

    resolved: ResolvedBuild
    locked: LockedPackages
    schema: str | None
    bundle: str
    created: int
    base: tuple[str, str] | None = None
    weights: tuple[str, ...] = ()
    secrets: frozenset[str] = frozenset()
    labels: Pairs = ()
    with_source: bool = True


def make_plan(inputs: PlanInputs) -> BuildPlan:
    """Return the plan of an image: what changes least lies lowest."""
    resolved = inputs.resolved
    base, decision = _base(inputs)
    return BuildPlan(
        stage=Stage(base=base, steps=tuple(_steps(inputs))),
        config=ImageConfig(cmd=COMMAND, ports=(f"{PORT}/tcp",), labels=inputs.labels),
        platform=resolved.platform,
        created=inputs.created,
        decisions=(*resolved.decisions, decision, *_package_decisions(inputs.locked)),
    )


def _base(inputs: PlanInputs) -> tuple[Base, Decision]:
    python = inputs.resolved.python
    if inputs.base is not None:
        reference, because = inputs.base
        return ImageBase(reference=reference, python=python), Decision(what="base", value=reference, because=because)
    because = "the backend's own base for this Python is used"
    return PythonBase(version=python), Decision(what="base", value=f"Python {python}", because=because)


def _package_decisions(locked: LockedPackages) -> Iterator[Decision]:
    if locked.freeze:
        because = f"the versions come from {locked.source}"
        yield Decision(what="packages", value=f"{len(locked.freeze)} locked", because=because)
    if locked.unlocked:
        because = "only the image can build them"
        yield Decision(what="packages", value=f"{len(locked.unlocked)} not locked", because=because)


def _steps(inputs: PlanInputs) -> Iterator[Step]:
    resolved = inputs.resolved
    yield Env(variables=(*_ALWAYS, *(_WITH_GPU if resolved.gpu else ()), *resolved.environment))
    if resolved.system_packages:
        names = tuple(package.name for package in resolved.system_packages)
        yield SystemPackages(names=names, origin=resolved.system_packages[0].origin)
    yield from _python_packages(inputs)
    for command in resolved.run:
        yield _command(command, inputs.secrets)
    yield Runtime(bundle=inputs.bundle)
    if inputs.weights and inputs.with_source:
        yield Weights(target=SOURCE_FOLDER, paths=inputs.weights)
    yield Workdir(path=SOURCE_FOLDER)
    if settings := tuple(_settings(resolved)):
        yield Env(variables=settings)
    if inputs.with_source:
        yield Copy(target=SOURCE_FOLDER)
    if inputs.schema is not None:
        yield Write(path=SCHEMA_FILE, content=f"{inputs.schema}\n")
        yield Write(path=SCHEMA_COPY, content=f"{inputs.schema}\n")


def _python_packages(inputs: PlanInputs) -> Iterator[Step]:
    locked = inputs.locked
    requirements = inputs.resolved.requirements
    origin = requirements[0].origin if requirements else None
    for artifact in locked.artifacts:
        yield Copy(source=artifact.path, target=artifact.target, origin=origin)
    if locked.locked or locked.unlocked:
        yield PythonPackages(
            locked=locked.locked,
            unlocked=locked.unlocked,
            index=locked.index,
            secrets=tuple(sorted(inputs.secrets)),
            origin=origin,
        )


def _command(command: RunCommand, secrets: frozenset[str]) -> Run:
    """Give an author's command the certificate authorities of the network, if it needs some of its own."""
    if CA_CERT not in secrets:
        return Run(script=command.script, mounts=command.mounts, origin=command.origin)
    path = f"{SECRETS_FOLDER}/{CA_CERT}"
    exports = " ".join(f"{name}={path}" for name in _CA_VARIABLES)
    mount = SecretMount(id=CA_CERT, target=path)
    return Run(script=f"export {exports}; {command.script}", mounts=(*command.mounts, mount), origin=command.origin)


def _settings(resolved: ResolvedBuild) -> Iterator[tuple[str, str]]:
    if resolved.predict:
        yield "COG_PREDICT_TYPE_STUB", resolved.predict
    if resolved.train:
        yield "COG_TRAIN_TYPE_STUB", resolved.train
    if resolved.max_concurrency is not None:
        yield "COG_MAX_CONCURRENCY", str(resolved.max_concurrency)
    if section := resolved.config.concurrency:
        yield from _more_settings(section)


def _more_settings(section: Concurrency) -> Iterator[tuple[str, str]]:
    given = {
        "COG_QUEUE": section.queue,
        "COG_WORKERS": section.workers,
        "COG_THREADS": section.threads,
        "COG_PREDICT_TIMEOUT": section.timeout,
        "COG_BATCH_SIZE": section.batch and section.batch.max_size,
        "COG_BATCH_WINDOW": section.batch and section.batch.window,
    }
    for name, value in given.items():
        if value is not None:
            yield name, f"{value:.15g}"
