"""Options that several commands share, with upstream's names (reference, section 2.1)."""

from typing import Annotated

from cog_cli.declared import Argument, Option

Target = Annotated[
    str,
    Argument(metavar="DIR|IMAGE", show_default=False, help="A project's folder, by default this one, or an image."),
]
File = Annotated[
    str | None,
    Option("-f", "--file", metavar="NAME", help="Configuration file instead of cog.yaml, searched upwards."),
]
Progress = Annotated[
    str | None,
    Option("--progress", metavar="MODE", help="How to show progress: auto, plain, tty, json or quiet."),
]
Backend = Annotated[
    str | None,
    Option("--backend", metavar="NAME", help="Who builds and runs; `cog backends` lists what there is."),
]
Strict = Annotated[bool, Option("--strict", help="Unknown keys of cog.yaml are errors.")]
Gpus = Annotated[str | None, Option("--gpus", metavar="GPUS", help="GPU devices, as `docker run --gpus` takes them.")]
Env = Annotated[
    list[str] | None,
    Option("-e", "--env", metavar="NAME=VALUE", help="Environment variable; NAME alone passes ours on."),
]
SetupTimeout = Annotated[
    float | None,
    Option("--setup-timeout", metavar="SECONDS", min=0, help="How long setup() may take (default 300)."),
]
Platform = Annotated[
    str | None,
    Option("--platform", metavar="OS/ARCH", help="What the image is for; by default this machine's own."),
]
BaseImage = Annotated[
    str | None,
    Option("--base-image", metavar="REF", help="Base image: a reference, oci:DIR or docker-archive:FILE."),
]
NoCache = Annotated[bool, Option("--no-cache", help="Do every step anew.")]
Pull = Annotated[
    bool, Option("--pull", help="Ask the registry for the newest base image, although there is one here.")
]
CacheFrom = Annotated[
    list[str] | None,
    Option(
        "--cache-from",
        metavar="CACHE",
        help="Read layers of earlier builds from there: REF, or type=registry|local|s3,... as BuildKit takes it.",
    ),
]
CacheTo = Annotated[
    list[str] | None,
    Option("--cache-to", metavar="CACHE", help="Write this build's layers there, for other machines."),
]
Secret = Annotated[
    list[str] | None,
    Option(
        "--secret",
        metavar="id=ID,src=FILE",
        help="Secret for commands of the build: id=ID,src=FILE or id=ID,env=NAME.",
    ),
]
Ssh = Annotated[
    list[str] | None,
    Option("--ssh", metavar="default|ID=SOCKET", help="SSH agent for commands of the build; default is yours."),
]
OpenApiSchema = Annotated[
    str | None,
    Option(
        "--openapi-schema", metavar="FILE", help="Take this OpenAPI document instead of reading the model's source."
    ),
]
Update = Annotated[
    bool, Option("--update", help="Lock the newest Python packages instead of those of the last build.")
]
GitLabels = Annotated[
    bool,
    Option(
        "--git-labels",
        help="Label the image with commit and tag (git, or GITHUB_SHA and GITHUB_REF_NAME). "
        "Equal projects then give different digests.",
    ),
]
Timestamp = Annotated[
    int | None, Option("--timestamp", hidden=True, help="Time of the image, in seconds since 1970.")
]
Dockerfile = Annotated[str | None, Option("--dockerfile", hidden=True)]
AsJson = Annotated[bool, Option("--json", help="Print JSON.")]
