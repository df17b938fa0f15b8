"""podman's stores: what one machine built serves another by a registry, and a full one is told."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_backends.podman.plugin import cog_backends
from cog_core.caches import Cache
from cog_core.errors import BackendError
from cog_core.events import StepFinished
from cog_core.ir import Copy, ImageBase, Run, Write
from cog_core.settings import Settings
from cog_core.testing.contract import Kit, Subject
from tests.contract.small_base import SmallBase, make

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.events import Event
    from tests.engines.registry import RunningRegistry

pytestmark = [pytest.mark.slow, pytest.mark.engine("podman"), pytest.mark.usefixtures("podman_engine")]

(INFO,) = cog_backends()
_RANDOM = Run(script="mkdir -p /kit; cat /proc/sys/kernel/random/uuid > /kit/id")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    return make(tmp_path_factory.mktemp("base"))


@pytest.mark.engine("podman-newest", "registry")
@pytest.mark.usefixtures("podman_newest_engine")
def test_a_cache_in_a_registry_serves_another_machine(
    base: SmallBase, oci_registry: RunningRegistry, tmp_path: Path
) -> None:
    cache = Cache.parse(f"{oci_registry.address}/team/cache")
    one, two = (_kit(base, tmp_path / name) for name in ("one", "two"))

    first = one.build(_RANDOM, cache_to=(cache,))
    second = two.build(_RANDOM, cache_from=(cache,))

    assert first.read("id") == second.read("id")


_FALTERING = """\
#!/bin/sh
if test -e {folder}/interrupted && mkdir {folder}/"$1 $2" 2>/dev/null
then echo "Error: the store is in disorder" >&2; exit 125
fi
exec {podman} "$@"
"""


def test_nothing_of_an_interrupted_build_stays_where_podman_falters(base: SmallBase, tmp_path: Path) -> None:
    """Each of its commands fails once after the interrupt, as it may when a store has to be put in order."""
    (tmp_path / "podman").write_text(_FALTERING.format(folder=tmp_path, podman=shutil.which("podman")), "utf-8")
    (tmp_path / "podman").chmod(0o755)
    kit = _kit(base, tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")
    kit.put("large", os.urandom(4 << 20))

    def interrupt(event: Event) -> None:
        if isinstance(event, StepFinished):
            (tmp_path / "interrupted").touch()
            raise KeyboardInterrupt

    for number in range(3):  # the first one is between two steps: a signal ends buildah there on the spot
        with pytest.raises(KeyboardInterrupt):
            kit.build(Copy(target="/kit"), Write(path=f"/kit/{number}", content="a"), emit=interrupt)
        assert (tmp_path / "ps --all").exists()
        assert _working(kit) == []
        shutil.rmtree(tmp_path / "ps --all")
        (tmp_path / "interrupted").unlink()


def _working(kit: Kit) -> list[str]:
    environ = dict(kit.subject.settings.environ)
    return subprocess.check_output(["buildah", "containers", "--quiet"], env=environ, text=True).split()


def test_a_full_store_is_told_with_what_to_do(base: SmallBase, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", disk], check=True)
    try:
        kit = attrs.evolve(_kit(base, disk), folder=tmp_path)
        kit.put("large", os.urandom(60 << 20))
        with pytest.raises(BackendError) as caught:
            kit.build(Copy(target="/kit/src"))
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)

    assert "no space left" in caught.value.message
    assert "podman system prune" in (caught.value.hint or "")


def _kit(base: SmallBase, folder: Path, **variables: str) -> Kit:
    """Return a kit whose podman has a store of its own, as one on another machine."""
    folder.mkdir(exist_ok=True)
    configuration = folder / "storage.conf"
    configuration.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/store"\nrunroot = "{folder}/run"\n', "utf-8"
    )
    settings = Settings.from_environ()
    environ = {**settings.environ, "CONTAINERS_STORAGE_CONF": str(configuration), **variables}
    subprocess.run(["podman", "load", "--input", base.archive], env=environ, capture_output=True, check=True)
    subject = Subject(
        info=INFO,
        base=ImageBase(reference=f"docker.io/library/{base.reference}"),
        settings=attrs.evolve(settings, environ=environ),
    )
    backend = INFO.load(subject.settings)
    return Kit(
        subject=subject, backend=backend, probe=backend.probe(), folder=folder, leftovers=frozenset, tag="cog-stores"
    )
