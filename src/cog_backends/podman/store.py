"""Images in podman's store: looked at, named, pushed, pulled, written out and read in, all by the program itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs

from cog_backends.podman.commands import plain_http
from cog_backends.podman.progress import advice, bare
from cog_core.backend import ImageInfo, Layer
from cog_core.clock import monotonic, sleep
from cog_core.errors import BackendError, CogError, ImageNotFound, RegistryError
from cog_core.events import StepFailed, StepFinished, StepOutput, StepStarted
from cog_core.image_failures import mapped
from cog_core.process import Command, together
from cog_core.staging import workspace
from cog_core.values import Platform
from cog_oci import media
from cog_oci.frozen import Frozen
from cog_oci.images import write_image
from cog_oci.layout import Layout
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cog_backends.podman.tools import Tools
    from cog_core.events import Emit
    from cog_core.process import Completed, Runner
    from cog_core.settings import Settings

_REPEATS = 4
_PAUSE = 0.2
_ABSENT = ("image not known", "no such image", "manifest unknown", "name unknown")


@attrs.frozen
class Images(Frozen):
    """The images of one podman."""

    tools: Tools
    settings: Settings
    run: Runner

    def inspect(self, reference: str) -> ImageInfo:
        """Return what an image says about itself.

        Raises:
            ImageNotFound: There is none of this name.
        """
        questions = (("image", "inspect", reference), ("history", "--format", "json", reference))
        image, steps = together(self.run, *(self._command(*words) for words in questions))
        raw = json.loads(_checked(image, reference).stdout)[0]
        history = json.loads(_checked(steps, reference).stdout)
        config = raw.get("Config") or {}
        return ImageInfo(
            image_id=f"sha256:{raw['Id']}",
            digest=raw.get("Digest") or None,
            references=tuple(raw.get("RepoTags") or ()),
            platform=Platform(raw["Os"], raw["Architecture"], raw.get("Variant") or None),
            labels=config.get("Labels") or {},
            config=config,
            layers=_layers(raw, history),
            size=raw.get("Size"),
            location=self.tools.store,
        )

    def has(self, reference: str) -> bool:
        """Whether the store holds an image."""
        return self._run("image", "exists", reference).code == 0

    def ids(self, reference: str) -> tuple[str, ...]:
        """Return the image's id, without ``sha256:``, if the store holds it."""
        return tuple(self._insisting("image", "inspect", "--format", "{{.Id}}", reference).stdout.split())

    def remove(self, *references: str) -> None:
        """Take images from the store as far as nothing else needs them; a missing one is fine."""
        for reference in references:
            self._run("image", "rm", reference)

    def working(self) -> dict[str, str] | None:
        """Return the containers of unfinished builds, and the image that each one began with, by their full ids.

        None: podman does not say.
        """
        words = ("ps", "--all", "--external", "--no-trunc", "--format", "{{.ID}} {{.ImageID}} {{.Status}}")
        answer = self._insisting(*words)
        if answer.code:
            return None
        lines = (line.split(None, 2) for line in answer.stdout.splitlines())
        return {words[0]: words[1] for words in lines if len(words) == 3 and words[2].lower().startswith("storage")}

    def parent(self, image: str) -> str:
        """Return the id of the image that a step made this one from; empty where there is none."""
        return self._insisting("image", "inspect", "--format", "{{.Parent}}", image).stdout.strip()

    def stop_working(self, *containers: str) -> tuple[str, ...]:
        """Take containers of unfinished builds from the store, and return those that podman does not give up."""
        return tuple(each for each in containers if self._insisting("rm", "--force", "--ignore", each).code)

    def save(self, reference: str, path: Path) -> None:
        """Write a file as ``docker save`` does."""
        partial = path.with_name(f".{path.name}.partial")
        partial.unlink(missing_ok=True)  # podman adds nothing to an archive that is there
        try:
            self._podman("save", "--quiet", "--format", "docker-archive", "--output", str(partial), reference)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def save_layout(self, reference: str, path: Path, name: str | None = None) -> None:
        """Write the image into an OCI image layout, its layers uncompressed and its configuration as it is.

        Args:
            reference: The image.
            path: The layout.
            name: Its name there.
        """
        with workspace(self.settings, "podman-layout") as folder:
            saved, archive = folder / "image", ("--format", "oci-dir", "--uncompressed")
            self._podman("save", "--quiet", *archive, "--output", str(saved), reference)
            source, target = Layout.open(saved), Layout.create(path)
            image = source.image()
            for blob in image.manifest.layers:
                target.blobs.copy_from(source.blobs, blob)
            layers = [
                # podman calls every layer compressed, whatever it wrote.
                attrs.evolve(layer, media_type=media.OCI_LAYER) if layer.digest == diff_id else layer
                for layer, diff_id in zip(image.manifest.layers, image.diff_ids, strict=True)
            ]
            write_image(
                target, source.blobs.read(image.manifest.config, limit=image.manifest.config.size), layers, name=name
            )

    def load(self, archive: Path) -> None:
        """Read an archive of images into the store."""
        self._podman("load", "--quiet", "--input", str(archive))

    def pull(self, reference: str, emit: Emit) -> None:
        """Fetch an image from its registry."""
        full = str(Reference.parse(reference))
        self._transfer("pull", full, emit, "pull", *plain_http(full), full)

    def push(self, reference: str, target: str, emit: Emit) -> str:
        """Push and return the manifest's digest."""
        full = str(Reference.parse(target))
        self.inspect(reference)
        with workspace(self.settings, "podman-push") as folder:
            digest = folder / "digest"
            words = ("push", "--digestfile", str(digest), *plain_http(full), reference, f"docker://{full}")
            self._transfer("push", full, emit, *words)
            return digest.read_text("utf-8").strip() if digest.exists() else self._digest_of(full)

    def _digest_of(self, reference: str) -> str:
        """Ask a registry for a manifest's digest; clients of another machine write none down before podman 4.6."""
        from cog_core.registries import registry_client  # noqa: PLC0415 - no other podman needs it

        with mapped(), registry_client(self.settings, self.run) as client:
            return str(client.resolve(Reference.parse(reference)).digest)

    def _transfer(self, verb: str, name: str, emit: Emit, *words: str) -> None:
        started = monotonic()
        emit(StepStarted(id=verb, name=f"{verb} {name}"))
        completed = self.run(self._command(*words), on_line=lambda _, line: _tell(verb, line, emit))
        if completed.code:
            reason = complaint(completed.stderr)
            emit(StepFailed(id=verb, message=f"podman cannot {verb} it"))
            family = ImageNotFound if verb == "pull" and _is_absent(reason) else RegistryError
            raise family(f"cannot {verb} {name}: {reason}", hint=advice(reason) or "Check the name and the network.")
        emit(StepFinished(id=verb, seconds=monotonic() - started))

    def _podman(self, *words: str, about: str = "") -> Completed:
        return _checked(self._run(*words), about or words[-1])

    def _run(self, *words: str) -> Completed:
        return self.run(self._command(*words))

    def _insisting(self, *words: str) -> Completed:
        """Ask again when podman fails: where a build was ended on the spot, it may find its store in disorder."""
        completed = self._run(*words)
        for _ in range(_REPEATS):
            if not completed.code or _is_absent(completed.stderr):
                break
            sleep(_PAUSE)
            completed = self._run(*words)
        return completed

    def _command(self, *words: str) -> Command:
        return Command(argv=(self.tools.podman, *words), env=self._environ)

    @property
    def _environ(self) -> Mapping[str, str]:
        return {**self.settings.environ, **self.settings.proxies}


def _checked(completed: Completed, reference: str) -> Completed:
    """Return what podman did, unless it failed."""
    if completed.code:
        raise failed(completed.stderr, reference)
    return completed


def _tell(step: str, line: str, emit: Emit) -> None:
    """Pass a line on, but for the error that ends podman's output: that is told as our own."""
    if not line.startswith("Error: "):
        emit(StepOutput(id=step, line=line))


def complaint(stderr: str) -> str:
    """Return podman's last error, without what stands before it."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if line.startswith("Error: ")), lines[-1] if lines else "no reason")
    return bare(said.removeprefix("Error: "))


def failed(stderr: str, reference: str) -> CogError:
    """Make an error of what podman says."""
    reason = complaint(stderr)
    if _is_absent(reason):
        return ImageNotFound(f"image {reference} not found", hint="Build it, or pull it from its registry.")
    return BackendError(f"podman failed: {reason}", hint=advice(reason))


def _is_absent(reason: str) -> bool:
    return any(sign in reason for sign in _ABSENT)


def _layers(raw: Mapping[str, Any], history: list[dict[str, Any]]) -> tuple[Layer, ...]:
    """Join diff ids with the history entries that made them, and with the sizes that podman tells in reverse."""
    diff_ids = tuple((raw.get("RootFS") or {}).get("Layers") or ())
    sizes = [entry.get("size") for entry in reversed(history)]
    entries = raw.get("History") or ()
    made = [(entry, size) for entry, size in zip(entries, sizes, strict=False) if not entry.get("empty_layer")]
    if len(made) != len(diff_ids):
        return tuple(Layer(diff_id=diff_id) for diff_id in diff_ids)
    return tuple(
        Layer(diff_id=diff_id, size=size, created_by=entry.get("created_by", ""))
        for diff_id, (entry, size) in zip(diff_ids, made, strict=True)
    )
