"""Command lines of ``buildctl``: golden, because every word of them counts."""

from __future__ import annotations

import csv
from pathlib import Path

import attrs
from hypothesis import given
from hypothesis import strategies as st

from cog_backends.buildkit.address import Server
from cog_backends.buildkit.commands import BuildOptions, LocalFolder, OciLayout, build_argv

HERE = Server("unix:///run/buildkit/buildkitd.sock")
SMALL = BuildOptions(
    server=HERE,
    dockerfile=Path("/work"),
    context=Path("/project"),
    platform="linux/amd64",
    epoch=315_619_200,
    metadata_file=Path("/work/metadata.json"),
    layout=Path("/work/layout"),
)
LARGE = BuildOptions(
    server=Server("tcp://builder:1234", tls_folder="/certs", tls_server_name="buildkitd"),
    dockerfile=Path("/work"),
    context=Path("/a project, with blanks"),
    platform="linux/arm64",
    epoch=0,
    metadata_file=Path("/work/metadata.json"),
    layout=Path("/work/lay,out"),
    references=("registry.example.com/team/model:1", "registry.example.com/team/model:latest"),
    contexts={
        "files": LocalFolder.of("files", Path("/work/files"), Path("files")),
        "runtime": LocalFolder(Path("/cache/runtime"), "runtime-3"),
    },
    layouts={"base": OciLayout(Path("/work/base"), "sha256:" + "0" * 64)},
    secrets={"cog-ca-cert": Path("/work/secrets/cog-ca-cert"), "token": Path("/work/secrets/token")},
    ssh={"default": Path("/run/user/1000/agent")},
    build_args={"no_proxy": "localhost,.internal", "https_proxy": "http://proxy:3128"},
    labels=(("run.cog.pip_freeze", "numpy==2.0.0\npillow==11.0.0"),),
    attestations=("provenance=mode=max",),
    cache_from=("type=registry,ref=registry.example.com/cache",),
    cache_to=("type=registry,ref=registry.example.com/cache,mode=max",),
    no_cache=True,
    pull=True,
)


def test_the_smallest_build_is_the_golden_one(golden):
    golden("buildkit/small.txt", shown(SMALL))


def test_the_largest_build_is_the_golden_one(golden):
    golden("buildkit/large.txt", shown(LARGE))


@given(folder=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0/\r\n"), min_size=1))
def test_any_folder_name_survives_the_csv_of_a_secret(folder):
    path = Path("/") / folder
    argv = build_argv(attrs.evolve(SMALL, secrets={"token": path}))

    secret = argv[argv.index("--secret") + 1]

    assert next(csv.reader([secret])) == ["id=token", f"src={path}"]


def shown(options: BuildOptions) -> str:
    return "".join(f"{word!r}\n" for word in build_argv(options))
