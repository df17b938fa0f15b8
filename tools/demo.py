"""The main job from nothing: build the image of ``examples/digits`` without an engine, and ask it a question."""

from __future__ import annotations

import sys

from bootstrap import ROOT, environment, run, say

IMAGE = "cog-digits"


def main() -> None:
    """Build, predict on a handwritten digit, and say where the image lies."""
    python = environment("demo", "run.txt")
    cog = str(python.with_name("cog"))
    example = ROOT / "examples" / "digits"
    say("building an OCI image of examples/digits: no engine, no root")
    run([cog, "build", "--backend", "oci", "--tag", IMAGE, "--file", str(example / "cog.yaml")])
    say("asking it which digit examples/digits/samples/seven.png shows")
    run([cog, "run", "--backend", "oci", IMAGE, "-i", f"image=@{example / 'samples' / 'seven.png'}"])
    run([cog, "inspect", "--backend", "oci", IMAGE])
    say(f"done. Next: {cog} serve --backend oci {IMAGE}, then open http://localhost:8393 in a browser")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
