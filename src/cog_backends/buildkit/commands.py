"""Command lines for ``buildctl build``, as pure functions of what is asked (moby/buildkit, docs/buildctl.md)."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from typing import TYPE_CHECKING

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cog_backends.buildkit.address import Server


@attrs.frozen
class LocalFolder(Frozen):
    """A folder of this machine that the server reads through us.

    Attributes:
        folder: What is sent.
        key: What the server keeps it under. It sends for files whose size or time changed since it last saw this
            key, so two sources must not share one.
    """

    folder: Path
    key: str

    @classmethod
    def of(cls, name: str, folder: Path, source: Path) -> LocalFolder:
        """Return a folder whose key follows from its name in the build and from where its files come from."""
        return cls(folder, f"{name}-{hashlib.sha256(os.fsencode(source)).hexdigest()[:12]}")


@attrs.frozen
class OciLayout(Frozen):
    """An image in a layout, for the server to read through us.

    Attributes:
        folder: The layout.
        digest: Of the image's manifest.
    """

    folder: Path
    digest: str


@attrs.frozen(kw_only=True)
class BuildOptions(Frozen):
    """Everything that goes on the command line of one build.

    Attributes:
        server: Who builds.
        dockerfile: Folder with the ``Dockerfile`` and its ``.dockerignore``.
        context: The author's project.
        platform: Such as ``linux/amd64``.
        epoch: Latest time of anything in the image, in seconds since 1970.
        metadata_file: Where ``buildctl`` writes digests.
        layout: Folder that becomes an OCI layout with the image; None: there is none.
        references: Where the server pushes the image.
        contexts: Folders by name.
        layouts: Images that stand for references of the Dockerfile, by these.
        secrets: Files by secret id.
        ssh: Sockets of SSH agents by id.
        build_args: Proxy variables; BuildKit keeps them out of image and cache.
        labels: Labels that stand in no Dockerfile.
        attestations: What the server says about how it built, such as ``provenance=mode=max``.
        cache_from: Caches to read, as ``--import-cache`` takes them.
        cache_to: Caches to write, as ``--export-cache`` takes them.
        no_cache: Do every step anew.
        pull: Ask the registry of the base, whatever the server has.
    """

    server: Server
    dockerfile: Path
    context: Path
    platform: str
    epoch: int
    metadata_file: Path
    layout: Path | None = None
    references: tuple[str, ...] = ()
    contexts: Mapping[str, LocalFolder] = attrs.field(factory=dict)
    layouts: Mapping[str, OciLayout] = attrs.field(factory=dict)
    secrets: Mapping[str, Path] = attrs.field(factory=dict)
    ssh: Mapping[str, Path] = attrs.field(factory=dict)
    build_args: Mapping[str, str] = attrs.field(factory=dict)
    labels: tuple[tuple[str, str], ...] = ()
    attestations: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    no_cache: bool = False
    pull: bool = False


def build_argv(options: BuildOptions) -> tuple[str, ...]:
    """Return the command line of a build."""
    argv = ["build", "--progress", "rawjson", "--frontend", "dockerfile.v0"]
    argv += ["--metadata-file", str(options.metadata_file)]
    argv += ["--local", f"context={options.context}", "--local", f"dockerfile={options.dockerfile}"]
    argv += ["--opt", f"platform={options.platform}"]
    argv += ["--opt", f"build-arg:SOURCE_DATE_EPOCH={options.epoch}"]
    for name, value in sorted(options.build_args.items()):
        argv += ["--opt", f"build-arg:{name}={value}"]
    for name, local in options.contexts.items():
        argv += ["--local", f"{local.key}={local.folder}", "--opt", f"context:{name}=local:{local.key}"]
    for name, image in options.layouts.items():
        argv += ["--oci-layout", f"{name}={image.folder}"]
        argv += ["--opt", f"context:{name}=oci-layout://{name}@{image.digest}"]
    for name, value in options.labels:
        argv += ["--opt", f"label:{name}={value}"]
    argv += [word for attestation in options.attestations for word in ("--opt", f"attest:{attestation}")]
    for name, file in options.secrets.items():
        argv += ["--secret", _fields(id=name, src=str(file))]
    argv += [word for name, socket in options.ssh.items() for word in ("--ssh", f"{name}={socket}")]
    for output in _outputs(options):
        argv += ["--output", output]
    argv += [word for cache in options.cache_from for word in ("--import-cache", cache)]
    argv += [word for cache in options.cache_to for word in ("--export-cache", cache)]
    argv += ["--no-cache"] if options.no_cache else []
    argv += ["--opt", "image-resolve-mode=pull"] if options.pull else []
    return options.server.argv(*argv)


def _outputs(options: BuildOptions) -> tuple[str, ...]:
    """Return exporters; layers stay uncompressed in a layout, as in every layout of ours.

    A registry gets them compressed. Those of a base from a registry go as they are, so that they are shared.
    """
    time = {"rewrite-timestamp": "true"}
    found = []
    if options.layout:
        found.append(_fields(type="oci", tar="false", dest=str(options.layout), compression="uncompressed", **time))
    if options.references:
        name = ",".join(options.references)
        pushed = {"push": "true", "oci-mediatypes": "true", "compression": "gzip"}
        pushed |= {"force-compression": "true"} if options.layouts else {}
        found.append(_fields(type="image", name=name, **pushed, **time))
    return tuple(found)


def _fields(**values: str) -> str:
    """Return ``KEY=VALUE`` pairs as one record of CSV, which is how ``buildctl`` reads them."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(f"{name}={value}" for name, value in values.items())
    return line.getvalue()
