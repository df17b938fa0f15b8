"""``cog init``."""

from importlib import resources
from pathlib import Path

from cog_cli.render.console import say

FILES = {
    ".dockerignore": "dockerignore.txt",
    ".github/workflows/push.yaml": "push.yaml.txt",
    "cog.yaml": "cog.yaml.txt",
    "requirements.txt": "requirements.txt",
    "run.py": "run.py.txt",
}
"""What a new project holds, and the names of the templates."""


def command() -> None:
    """Start a project in the current directory; files that are there already are kept."""
    templates = resources.files("cog_cli") / "template"
    for name, template in FILES.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as stream:
                stream.write((templates / template).read_text("utf-8"))
        except FileExistsError:
            say(f"Skipped existing {name}")
        else:
            say(f"Creating {name}")
    say()
    say("Done! For next steps, see `cog --help`")
    say("Try: cog run -i image=@PICTURE.png", "hint")
