"""Command lines of Docker's builders: golden, because every word of them counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_backends.docker.commands import BuildOptions, build_argv, build_environment
from cog_backends.docker.rungs import Rung, RungKind
from cog_core.caches import Cache
from cog_core.ir.dockerfile import EARLY_BUILDKIT, MODERN

if TYPE_CHECKING:
    from tests.support.golden import Golden

BUILDX = Rung(kind=RungKind.BUILDX, dialect=MODERN, program="/bin/docker", named_contexts=True, rawjson=True)
CLI = Rung(kind=RungKind.CLI, dialect=EARLY_BUILDKIT, program="/bin/docker")
PLAIN = BuildOptions(
    dockerfile=Path("/w/Dockerfile"),
    context=Path("/project"),
    image_id_file=Path("/w/image-id"),
    metadata_file=Path("/w/metadata.json"),
    tags=("cog-hello",),
)
FULL = attrs.evolve(
    PLAIN,
    platform="linux/arm64",
    tags=("one", "registry.example.com/two:2"),
    contexts={"files": Path("/w/files"), "runtime": Path("/cache/runtime")},
    secrets={"token": Path("/w/secrets/token")},
    ssh={"default": Path("/run/user/1000/agent"), "work": Path("/a=b/agent")},
    proxies={"https_proxy": "http://me:hunter22@proxy:3128"},
    labels=(("com.example.lines", "first\nsecond"),),
    builder="default",
    epoch=315_619_200,
    no_cache=True,
    pull=True,
    cache_from=(Cache.parse("registry.example.com/cache"),),
    cache_to=(Cache.parse("type=s3,bucket=caches,region=eu-1"),),
)


@pytest.mark.parametrize(
    ("name", "rung", "options"), [("buildx", BUILDX, PLAIN), ("buildx-full", BUILDX, FULL), ("cli", CLI, PLAIN)]
)
def test_the_command_line_follows_from_what_is_asked(
    name: str, rung: Rung, options: BuildOptions, golden: Golden
) -> None:
    golden(f"docker/{name}.argv", "".join(f"{word!r}\n" for word in build_argv(rung, options)))


def test_a_proxy_s_password_is_in_the_environment_and_not_on_the_command_line() -> None:
    assert "hunter22" not in repr(build_argv(BUILDX, FULL))
    assert build_environment({"PATH": "/bin"}, FULL)["https_proxy"] == "http://me:hunter22@proxy:3128"
