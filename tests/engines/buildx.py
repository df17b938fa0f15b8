"""The buildx plugin of Docker's client, compiled where no package brings it."""

from __future__ import annotations

from pathlib import Path

from tests.engines.engine import Engine
from tests.engines.gomodule import GoProgram

_PROGRAM = GoProgram(module="github.com/docker/buildx", version="v0.29.1", commands=("buildx",))
_FILE = "docker-buildx"
_FOLDERS = tuple(
    Path(top, "docker/cli-plugins") for top in ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
)


class Buildx(Engine):
    """A file ``docker-buildx``: the user's own, a package's, or ours."""

    name = "buildx"
    how = "install Docker's buildx plugin (package docker-buildx or docker-buildx-plugin)"

    def path(self) -> Path | None:
        """Return the plugin; None: there is none."""
        config = self.machine.environ.get("DOCKER_CONFIG") or f"{self.machine.environ.get('HOME', '')}/.docker"
        own = _PROGRAM.folder(self.machine) / "buildx"
        places = (own, *(folder / _FILE for folder in (Path(config, "cli-plugins"), *_FOLDERS)))
        return next((place for place in places if place.is_file()), None)

    def present(self) -> bool:
        return self.path() is not None

    def why_not(self) -> str | None:
        return None if self.present() else "Docker's client has no buildx plugin"

    def install(self) -> None:
        _PROGRAM.compile(self.machine)

    def config_folder(self, folder: Path) -> Path:
        """Make a folder for ``DOCKER_CONFIG`` in which Docker's client finds the plugin."""
        plugin = self.path()
        if plugin is not None:
            (folder / "cli-plugins").mkdir(parents=True)
            (folder / "cli-plugins" / _FILE).symlink_to(plugin)
        return folder
