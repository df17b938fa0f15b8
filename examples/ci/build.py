"""Builds the image of a model in a pipeline: what a platform team would put between a push and a roll-out.

    python build.py path/to/model --tag models/digits:2026-01 --push registry.example.com/models/digits:2026-01

The last thing it prints on stdout is one line of JSON for the next job; progress and messages go to stderr. It exits
with the code of what went wrong: 2 configuration, 3 versions or schema, 4 plugin, 5 engine, 6 registry.
"""

import argparse
import json
import sys
from pathlib import Path

import cog_core
from cog_core.backend import Output
from cog_core.events import Event, Noted, StepFailed, StepFinished, StepStarted, Warned


def main() -> int:
    """Build, report, and return the exit code."""
    options = parse()
    try:
        result = cog_core.build(
            options.project,
            tag=options.tag,
            backend=options.backend,
            outputs=outputs(options),
            on_event=Log(),
        )
    except cog_core.CogError as error:
        return complain(error)
    print(json.dumps(report(result)))
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Build the image of a model and say what came out.")
    parser.add_argument("project", type=Path, help="the folder with cog.yaml")
    parser.add_argument("--tag", required=True, help="name of the image where the backend keeps its images")
    parser.add_argument("--backend", help="who builds, such as oci or docker; the first that can, if not given")
    parser.add_argument("--layout", type=Path, help="also write an OCI image layout into this folder")
    parser.add_argument("--archive", type=Path, help="also write a file for docker load")
    parser.add_argument("--push", metavar="REFERENCE", help="also push to a registry")
    return parser.parse_args()


def outputs(options: argparse.Namespace) -> tuple[Output, ...]:
    """Return where the image goes besides the store, which the tag is for."""
    wanted: list[Output] = []
    if options.layout:
        wanted.append(cog_core.ToLayout(options.layout))
    if options.archive:
        wanted.append(cog_core.ToDockerArchive(options.archive))
    if options.push:
        wanted.append(cog_core.ToRegistry(options.push))
    return tuple(wanted)


class Log:
    """Prints one line for each event that a reader of the log wants to see."""

    def __init__(self) -> None:
        self.steps: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        """Take an event of the build; steps may overlap."""
        match event:
            case StepStarted(id=step, name=name):
                self.steps[step] = name
            case StepFinished(id=step, seconds=seconds, cached=cached):
                self.say(f"{self.steps[step]} ({'cached' if cached else f'{seconds:.1f} s'})")
            case StepFailed(id=step, message=message):
                self.say(f"{self.steps[step]} failed: {message}")
            case Noted(message=message):
                self.say(f"note: {message}")
            case Warned(message=message):
                self.say(f"warning: {message}")

    def say(self, line: str) -> None:
        """Print at once: a log that lags is no help."""
        print(line, file=sys.stderr, flush=True)


def report(result: cog_core.BuildResult) -> dict[str, object]:
    """Return what the next job wants to know; the labels are read back from the finished image."""
    image = cog_core.inspect(result.tag or result.image_id, backend=result.backend)
    return {
        "tag": result.tag,
        "image_id": result.image_id,
        "digest": result.digest,
        "platform": str(result.platform),
        "backend": result.backend,
        "size": result.size,
        "inputs": list(result.schema["components"]["schemas"]["Input"].get("properties", {})),
        "cog_version": image.labels["run.cog.version"],
        "warnings": [warning.message for warning in result.warnings],
        "seconds": round(result.seconds, 1),
    }


def complain(error: cog_core.CogError) -> int:
    """Print what failed and what to do about it, and return the exit code for it."""
    print(f"error: {error}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
