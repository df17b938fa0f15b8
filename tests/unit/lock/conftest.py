"""A package index made of tiny hand-made wheels, served on this machine, with and without a password."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import os
import tarfile
import threading
import zipfile
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_core import process
from cog_core.config import parse
from cog_core.config.files import FileKind
from cog_core.events import ignore
from cog_core.lock import lock
from cog_core.resolve import Facts, RequirementsFile, local_paths, resolve
from cog_core.settings import Settings
from cog_core.values import Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cog_core.lock import LockedPackages
    from cog_core.resolve import ResolvedBuild

USER, PASSWORD = "me", "s3cret/p%wd"


def write_wheel(
    folder: Path, name: str, version: str, *requires: str, tag: str = "py3-none-any", python: str = ">=3.8"
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: {python}"]
    metadata += [f"Requires-Dist: {each}" for each in requires]
    path = folder / f"{module}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{module}/__init__.py", "")
        wheel.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
        wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def write_sdist(folder: Path, name: str, version: str, trap: Path) -> None:
    """Write a source archive that leaves a file behind when anybody runs it."""
    folder.mkdir(parents=True, exist_ok=True)
    setup = f"open({str(trap)!r}, 'w').close()\nfrom setuptools import setup\nsetup(name={name!r})\n"
    files = {"setup.py": setup, "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}
    with tarfile.open(folder / f"{name}-{version}.tar.gz", "w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the index; below ``/private/`` only with the right password."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix("/private").removeprefix("/public"))

    def send_head(self):
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.path.startswith("/private") and self.headers.get("Authorization") != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic realm=index")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        return super().send_head()

    def log_message(self, *args: object) -> None:
        pass


@attrs.frozen
class Index:
    port: int
    folder: Path
    trap: Path

    @property
    def public(self) -> str:
        return f"http://127.0.0.1:{self.port}/public/"

    @property
    def private(self) -> str:
        return f"http://127.0.0.1:{self.port}/private/"

    @property
    def with_password(self) -> str:
        return f"http://{USER}:s3cret%2Fp%25wd@127.0.0.1:{self.port}/private/"


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("index")
    trap = folder / "somebody-ran-code"
    write_wheel(folder / "base", "base", "1.0")
    write_wheel(folder / "base", "base", "2.0")
    write_wheel(folder / "middle", "middle", "1.0", "base>=1,<2")
    write_wheel(folder / "wants-cog", "wants-cog", "1.0", "cog>=0.3", "base")
    write_wheel(folder / "wants-source", "wants-source", "1.0", "only-source>=1,<3", "base")
    write_wheel(folder / "only-38", "only-38", "1.0", tag="cp38-cp38-manylinux2014_x86_64")
    write_wheel(folder / "only-new", "only-new", "1.0", python=">=3.12")
    write_wheel(folder / "only-windows", "only-windows", "1.0", tag="py3-none-win_amd64")
    write_wheel(folder / "arm", "arm", "1.0", tag="py3-none-manylinux2014_aarch64")
    write_wheel(folder / "arm", "arm", "0.9", tag="py3-none-manylinux2014_x86_64")
    write_wheel(folder / "patched", "patched", "1.0", python=">=3.8.1")
    write_wheel(folder / "early", "early", "2.0a1")
    write_wheel(folder / "early", "early", "1.0")
    write_sdist(folder / "only-source", "only-source", "2.0", trap)
    write_sdist(folder / "other-source", "other-source", "1.0", trap)
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    ) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Index(server.server_address[1], folder, trap)
        server.shutdown()
        thread.join()
    assert not trap.exists(), "code of a package ran on this machine"


@attrs.frozen
class Desk:
    """A project, and a home and cache of its own."""

    root: Path
    index: Index
    environ: dict[str, str]

    @property
    def settings(self) -> Settings:
        return Settings.from_environ(self.environ)

    def resolve(
        self, *packages: str, python: str = "3.11", requirements: str | None = None, platform: str = "linux/amd64"
    ) -> ResolvedBuild:
        text = f"build:\n  python_version: '{python}'\n"
        if requirements is not None:
            text += "  python_requirements: requirements.txt\n"
        if packages:
            text += "  python_packages:\n" + "".join(f"    - {package!r}\n" for package in packages)
        loaded = parse(text)
        file = None if requirements is None else RequirementsFile("requirements.txt", requirements)
        files = dict.fromkeys(local_paths(loaded, file), FileKind.FILE)
        return resolve(
            loaded, Facts(directory="x", requirements=file, files=files, platform=Platform.parse(platform))
        )

    def lock(
        self,
        *packages: str,
        refresh: bool = False,
        run: process.Runner = process.run,
        emit=ignore,
        **build: str,
    ) -> LockedPackages:
        resolved = self.resolve(*packages, **build)
        return lock(resolved, root=self.root, settings=self.settings, run=run, refresh=refresh, emit=emit)

    def with_environ(self, **variables: str) -> Desk:
        return attrs.evolve(self, environ=self.environ | variables)


@pytest.fixture
def desk(tmp_path: Path, index: Index) -> Desk:
    """A project whose user takes packages from the public part of the index."""
    root, home = tmp_path / "project", tmp_path / "home"
    root.mkdir()
    home.mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "COG_CACHE_DIR": str(tmp_path / "cache"),
        "UV_HTTP_RETRIES": "0",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": index.public,
    }
    return Desk(root, index, environ)


@pytest.fixture
def refuse() -> Callable[..., process.Completed]:
    """A runner for what must not start a program."""

    def run(command: process.Command, **_: object) -> process.Completed:
        raise AssertionError(f"started {command}")

    return run
