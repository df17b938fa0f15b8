"""Options that several commands share, with upstream's names (reference, section 2.1)."""

from typing import Annotated

import typer

Target = Annotated[
    str,
    typer.Argument(
        metavar="DIR|IMAGE", show_default=False, help="A project's folder, by default this one, or an image."
    ),
]
File = Annotated[
    str | None,
    typer.Option("-f", "--file", metavar="NAME", help="Configuration file instead of cog.yaml, searched upwards."),
]
Progress = Annotated[
    str | None,
    typer.Option("--progress", metavar="MODE", help="How to show progress: auto, plain, tty, json or quiet."),
]
Backend = Annotated[
    str | None,
    typer.Option("--backend", metavar="NAME", help="Who builds and runs; `cog backends` lists what there is."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Unknown keys of cog.yaml are errors.")]
Gpus = Annotated[
    str | None, typer.Option("--gpus", metavar="GPUS", help="GPU devices, as `docker run --gpus` takes them.")
]
Env = Annotated[
    list[str] | None,
    typer.Option("-e", "--env", metavar="NAME=VALUE", help="Environment variable; NAME alone passes ours on."),
]
SetupTimeout = Annotated[
    float | None,
    typer.Option("--setup-timeout", metavar="SECONDS", min=0, help="How long setup() may take (default 300)."),
]
Platform = Annotated[
    str | None,
    typer.Option("--platform", metavar="OS/ARCH", help="What the image is for; by default this machine's own."),
]
BaseImage = Annotated[
    str | None,
    typer.Option("--base-image", metavar="REF", help="Base image: a reference, oci:DIR or docker-archive:FILE."),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Do every step anew.")]
Secret = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="id=ID,src=FILE",
        help="Secret for commands of the build: id=ID,src=FILE or id=ID,env=NAME.",
    ),
]
OpenApiSchema = Annotated[
    str | None,
    typer.Option(
        "--openapi-schema", metavar="FILE", help="Take this OpenAPI document instead of reading the model's source."
    ),
]
Update = Annotated[
    bool, typer.Option("--update", help="Lock the newest Python packages instead of those of the last build.")
]
GitLabels = Annotated[
    bool,
    typer.Option(
        "--git-labels",
        help="Label the image with commit and tag (git, or GITHUB_SHA and GITHUB_REF_NAME). "
        "Equal projects then give different digests.",
    ),
]
Timestamp = Annotated[
    int | None, typer.Option("--timestamp", hidden=True, help="Time of the image, in seconds since 1970.")
]
Dockerfile = Annotated[str | None, typer.Option("--dockerfile", hidden=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
