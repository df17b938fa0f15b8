"""Which engines there are; add a kind by adding its class here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.engines.buildkit import Buildkit
from tests.engines.buildkit_rootless import BuildkitRootless
from tests.engines.buildx import Buildx
from tests.engines.chromium import Chromium
from tests.engines.debian import Debian
from tests.engines.docker import Docker
from tests.engines.docker_containerd import DockerContainerd
from tests.engines.docker_rootless import DockerRootless
from tests.engines.index import Index
from tests.engines.kubernetes import Kubernetes
from tests.engines.podman import Podman
from tests.engines.podman_machine import OldPodmanMachine, PodmanMachine
from tests.engines.podman_newest import PodmanNewest
from tests.engines.registry import Registry
from tests.engines.rootless import Rootless
from tests.engines.s3 import S3
from tests.engines.skopeo import Skopeo
from tests.engines.sshd import Sshd
from tests.engines.umoci import Umoci
from tests.engines.userns import UserNamespaces

if TYPE_CHECKING:
    from tests.engines.engine import Engine

KINDS: dict[str, type[Engine]] = {
    kind.name: kind
    for kind in (
        Docker,
        DockerContainerd,
        DockerRootless,
        Podman,
        PodmanNewest,
        PodmanMachine,
        OldPodmanMachine,
        Rootless,
        Sshd,
        Registry,
        Index,
        Debian,
        Skopeo,
        Umoci,
        Chromium,
        UserNamespaces,
        Buildx,
        Buildkit,
        BuildkitRootless,
        S3,
        Kubernetes,
    )
}
