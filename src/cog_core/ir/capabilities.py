"""What a plan needs and what a backend can do, in the same words."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

import attrs

from cog_core.ir.steps import (
    BindMount,
    CacheMount,
    ImageBase,
    PythonBase,
    PythonPackages,
    Run,
    Runtime,
    SecretMount,
    SshMount,
    SystemPackages,
    User,
    Weights,
)
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.errors import Origin
    from cog_core.ir.plan import BuildPlan
    from cog_core.ir.steps import Step
    from cog_core.values import Platform


class Capability(str, Enum):
    """One ability of a backend.

    The first group is about steps, the second takes meaningful steps as they are, the third is about results.
    """

    RUN = "run"
    SECRET_MOUNT = "secret-mount"  # noqa: S105 - a name, no password
    SSH_MOUNT = "ssh-mount"
    BIND_MOUNT = "bind-mount"
    CACHE_MOUNT = "cache-mount"
    USER = "user"
    IMAGE_BASE = "image-base"

    PYTHON_BASE = "python-base"
    SYSTEM_PACKAGES = "system-packages"
    PYTHON_PACKAGES = "python-packages"
    SOURCE_PACKAGES = "source-packages"
    RUNTIME = "runtime"
    WEIGHTS = "weights"

    STORE = "store"
    OCI_LAYOUT = "oci-layout"
    DOCKER_ARCHIVE = "docker-archive"
    REGISTRY = "registry"
    OTHER_PLATFORMS = "other-platforms"
    REPRODUCIBLE = "reproducible"
    CACHE_EXCHANGE = "cache-exchange"
    RUN_IMAGES = "run-images"


OF_DOCKERFILES = frozenset(
    {
        Capability.RUN,
        Capability.SECRET_MOUNT,
        Capability.SSH_MOUNT,
        Capability.BIND_MOUNT,
        Capability.CACHE_MOUNT,
        Capability.USER,
        Capability.IMAGE_BASE,
        Capability.STORE,
        Capability.OCI_LAYOUT,
        Capability.DOCKER_ARCHIVE,
        Capability.REGISTRY,
        Capability.CACHE_EXCHANGE,
    }
)
"""What builders that read Dockerfiles can do, each of them; some can do more."""

MEANINGS = {
    SystemPackages: Capability.SYSTEM_PACKAGES,
    PythonPackages: Capability.PYTHON_PACKAGES,
    Runtime: Capability.RUNTIME,
    Weights: Capability.WEIGHTS,
}
"""Which capability takes which meaningful step."""


_CERTIFICATES = re.compile(r"export (?:[A-Z_]+=/run/secrets/\S+ ?)+; ")


@attrs.frozen
class Requirement(Frozen):
    """A capability that a plan needs, and the part of the plan that needs it."""

    capability: Capability
    subject: str
    origin: Origin | None = None


def requirements(plan: BuildPlan) -> tuple[Requirement, ...]:
    """Return what a plan needs as it stands, in the order of its steps.

    Call it on a lowered plan: a meaningful step that is still there is a need of its own. Cache mounts are no
    need, because a build without them gives the same image.
    """
    return tuple(_requirements(plan))


def lacking(plan: BuildPlan, capabilities: frozenset[Capability]) -> tuple[Requirement, ...]:
    """Return what a plan needs and the capabilities do not contain."""
    return tuple(need for need in requirements(plan) if need.capability not in capabilities)


def of_platform(plan: BuildPlan, own: Platform) -> tuple[Requirement, ...]:
    """Return what a plan needs for its platform.

    Args:
        plan: The plan.
        own: What this machine runs; only its system and architecture matter.
    """
    wanted = plan.platform
    if (wanted.os, wanted.architecture) == (own.os, own.architecture):
        return ()
    return (Requirement(Capability.OTHER_PLATFORMS, f"an image for {wanted}"),)


def _requirements(plan: BuildPlan) -> Iterator[Requirement]:
    match plan.stage.base:
        case PythonBase(version=version, origin=origin):
            yield Requirement(Capability.PYTHON_BASE, f"a base with Python {version}", origin)
        case ImageBase(reference=reference, origin=origin):
            yield Requirement(Capability.IMAGE_BASE, f"the base image {reference}", origin)
    for step in plan.steps:
        yield from _of_step(step)


def _of_step(step: Step) -> Iterator[Requirement]:
    match step:
        case Run(script=script, origin=origin):
            yield Requirement(Capability.RUN, f"the command {_authors(script)!r}", origin)
            yield from _of_mounts(step)
        case User(name=name, origin=origin):
            yield Requirement(Capability.USER, f"the user {name!r}", origin)
        case PythonPackages(unlocked=(first, *_), origin=origin):
            yield Requirement(Capability.PYTHON_PACKAGES, "Python packages", origin)
            yield Requirement(Capability.SOURCE_PACKAGES, f"the source package {first!r}", origin)
        case SystemPackages() | PythonPackages() | Runtime() | Weights():
            yield Requirement(MEANINGS[type(step)], f"the step {type(step).__name__}", step.origin)
        case _:
            pass


def _authors(script: str) -> str:
    """Return the first line of a command without the certificates that the planner puts in front of it."""
    return _CERTIFICATES.sub("", script.strip()).partition("\n")[0]


def _of_mounts(step: Run) -> Iterator[Requirement]:
    for mount in step.mounts:
        match mount:
            case SecretMount(id=name, required=True):
                yield Requirement(Capability.SECRET_MOUNT, f"the secret {name!r}", step.origin)
            case SshMount(id=name):
                yield Requirement(Capability.SSH_MOUNT, f"the SSH agent {name!r}", step.origin)
            case BindMount(context=name):
                yield Requirement(Capability.BIND_MOUNT, f"the context {name!r}", step.origin)
            case CacheMount() | SecretMount():
                pass
