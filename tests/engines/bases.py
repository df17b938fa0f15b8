"""Provides base images: the one that is there, else pulled, else made."""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tests.engines import apt, layout, rootfs
from tests.engines.debian import Debian
from tests.engines.machine import HOW, Broken, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.engines.machine import Machine

_PULLING = 60.0
_MOVING = 300.0
_LIBRARY = "docker.io/library/"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

# Change it with the recipe: made images of another recipe are made anew.
_AUTHOR = "the tests of cog-core, recipe "
_RECIPE = f"{_AUTHOR}1"


@attrs.frozen(kw_only=True)
class Store:
    """Where an engine keeps images; Docker's and podman's clients take the same words.

    Attributes:
        client: The engine's client, such as ``podman``.
        environ: Variables that it needs.
    """

    client: str
    environ: Mapping[str, str]

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells two stores apart."""
        return (self.client, *sorted(self.environ.items()))

    def argv(self, *words: str | Path) -> tuple[str | Path, ...]:
        """Return a command line for the engine's client."""
        return (self.client, *words)


@attrs.frozen(kw_only=True)
class BaseImage:
    """A Python base image that is in the asked stores, and on disk.

    Attributes:
        reference: Its name in the stores, as in a Dockerfile.
        version: The Python version, such as ``3.12``.
        archive: The image as ``docker save`` writes it.
        layout: The image as an OCI layout, under the tag ``X.Y-slim``.
    """

    reference: str
    version: str
    archive: Path
    layout: Path


class Bases:
    """The base images of this machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._out_of_reach: str | None = None
        self._provided: dict[tuple[str, object], BaseImage] = {}

    def python(self, version: str, stores: Sequence[Store]) -> BaseImage:
        """Provide ``python:VERSION-slim`` on disk and in stores.

        Raises:
            Unavailable: It is not there, and nothing may be changed.
            Broken: It could be neither pulled nor made.
        """
        for store in stores or (None,):
            key = (version, store and store.identity)
            if key not in self._provided:
                with self.machine.lock(f"python-{version}"):
                    self._provided[key] = self._provide(f"python:{version}-slim", version, store)
        return self._provided[key]

    def _provide(self, reference: str, version: str, store: Store | None) -> BaseImage:
        there = store is not None and self._is_there(store, reference)
        if store and not there and not self.machine.may_install:
            how = f"{store.client} pull {reference}, {HOW}"
            raise Unavailable(f"{store.client} has no image {reference}", how)
        folder = self._folder(version)
        if not folder.exists():
            self._fill(folder, reference, version, store, there=there)
        image = BaseImage(
            reference=reference, version=version, archive=folder / "image.tar", layout=folder / "layout"
        )
        if store and not there:
            self.machine.run(store.argv("load", "-i", image.archive), environ=store.environ, timeout=_MOVING)
        return image

    def _folder(self, version: str) -> Path:
        return self.machine.folder("bases") / f"python-{version}-slim-{_RECIPE.rpartition(' ')[2]}"

    def _is_there(self, store: Store, reference: str) -> bool:
        words = ("image", "inspect", "--format", "{{.Author}}", reference)
        done = self.machine.attempt(store.argv(*words), environ=store.environ)
        author = done.stdout.strip()
        return not done.returncode and (author == _RECIPE or not author.startswith(_AUTHOR))

    def _fill(self, folder: Path, reference: str, version: str, store: Store | None, *, there: bool) -> None:
        with tempfile.TemporaryDirectory(prefix="filling-", dir=folder.parent) as name:
            scratch = Path(name)
            made = scratch / "made"
            made.mkdir()
            if there or (store and self._pulled(store, reference)):
                assert store is not None
                self._save(store, reference, made, scratch)
            elif self.machine.may_install:
                self._make(version, made)
            else:
                raise Unavailable(f"no image {reference} is kept on disk", HOW.removeprefix("or "))
            # The full name: podman would take a short one for an image of its own ("localhost/...").
            layout.archive_from_layout(made / "layout", made / "image.tar", reference=f"{_LIBRARY}{reference}")
            made.rename(folder)

    def _pulled(self, store: Store, reference: str) -> bool:
        if self._out_of_reach is not None:
            return False
        self.machine.tell(f"{store.client} pull {reference}")
        done = self.machine.attempt(store.argv("pull", reference), environ=store.environ, timeout=_PULLING)
        if done.returncode:
            self._out_of_reach = done.stderr.strip()
            self.machine.tell(f"{reference} cannot be pulled, so it is made")
        return not done.returncode

    def _save(self, store: Store, reference: str, made: Path, scratch: Path) -> None:
        kind = ("--format", "docker-archive") if store.client.endswith("podman") else ()
        words = ("save", *kind, "-o", scratch / "saved.tar", reference)
        self.machine.run(store.argv(*words), environ=store.environ, timeout=_MOVING)
        tag = reference.rpartition(":")[2]
        layout.layout_from_archive(scratch / "saved.tar", made / "layout", tag=tag, scratch=scratch)

    def _make(self, version: str, made: Path) -> None:
        python = rootfs.find_python(self.machine.environ, version)
        if python is None:
            reason = f": {self._out_of_reach}" if self._out_of_reach else ""
            raise Broken(
                f"python:{version}-slim cannot be pulled{reason}\nand pyenv has no CPython {version} to make it"
            )
        layers = [self._debian(), made / "python.tar"]
        rootfs.python_layer(self.machine, layers[0], python, layers[1])
        config = _config(python.name, [layout.sha256(layer) for layer in layers])
        layout.write_layout(made / "layout", tag=f"{version}-slim", config=config, layers=layers)
        layers[1].unlink()

    def _debian(self) -> Path:
        file = self.machine.folder("bases") / f"debian-{_RECIPE.rpartition(' ')[2]}.tar"
        with self.machine.lock("debian-base"):
            if not file.exists():
                mirror = Debian(self.machine).mirror()
                if mirror is None:
                    raise Broken(f"no Debian mirror to make a base image from: {Debian(self.machine).why_not()}")
                if not shutil.which("debootstrap", path=self.machine.environ.get("PATH")):
                    apt.install(self.machine, "debootstrap")
                rootfs.debian_layer(self.machine, mirror, file)
        return file


def _config(version: str, diff_ids: list[str]) -> bytes:
    """Return a configuration like that of the official images (OCI image specification, "Image Configuration")."""
    when = "2025-01-01T00:00:00Z"
    path = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    steps = ("debootstrap --variant=minbase", f"CPython {version}")
    config = {
        "created": when,
        "author": _RECIPE,
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Env": [f"PATH={path}", "LANG=C.UTF-8", f"PYTHON_VERSION={version}"], "Cmd": ["python3"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created": when, "created_by": step} for step in steps],
    }
    return json.dumps(config).encode()
