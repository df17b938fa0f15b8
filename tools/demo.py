"""The main job from nothing: build the image of ``examples/digits`` without an engine, and ask it a question."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from bootstrap import ROOT, environment, run, say

IMAGE = "cog-digits"
EXAMPLE = ROOT / "examples" / "digits"


def main() -> None:
    """Build, predict on a handwritten digit, and say where the image lies."""
    python = environment("demo", "run.txt")
    cog = str(python.with_name("cog"))
    with tempfile.TemporaryDirectory(prefix="cog-demo-") as scratch:
        example = EXAMPLE if sys.platform == "linux" else for_this_python(Path(scratch) / EXAMPLE.name)
        say("building an OCI image of examples/digits: no engine, no root")
        run([cog, "build", "--backend", "oci", "--tag", IMAGE, "--file", str(example / "cog.yaml")])
    say("asking it which digit examples/digits/samples/seven.png shows")
    run([cog, "run", "--backend", "oci", IMAGE, "-i", f"image=@{EXAMPLE / 'samples' / 'seven.png'}"])
    run([cog, "inspect", "--backend", "oci", IMAGE])
    say(f"done. Next: {cog} serve --backend oci {IMAGE}, then open http://localhost:8393 in a browser")


def for_this_python(folder: Path) -> Path:
    """Copy the example for the Python that is here: without a sandbox it is the one that runs the model."""
    shutil.copytree(EXAMPLE, folder)
    configuration = folder / "cog.yaml"
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    configuration.write_text(configuration.read_text("utf-8").replace('"3.11"', f'"{here}"'), "utf-8")
    return folder


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
