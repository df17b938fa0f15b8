"""A private Python environment with everything pinned, made with nothing but a bare Python.

The two commands of the README use this: they work on a machine where only Python 3.10 or later is installed, can be
run again at any time, and change nothing outside their folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 10)
_DEBIAN_LIKE = Path("/etc/debian_version")


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"==> {text}", file=sys.stderr, flush=True)


def give_up(text: str) -> None:
    """Print what is missing, and leave."""
    print(f"{text}", file=sys.stderr, flush=True)
    raise SystemExit(1)


def environment(name: str, *requirements: str) -> Path:
    """Return the interpreter of the environment ``.venv/NAME``, made or renewed when it has to be.

    Args:
        name: Folder name.
        requirements: Files below ``requirements/`` with pinned packages and their hashes.
    """
    check_python()
    folder = ROOT / ".venv" / name
    python = folder / "bin" / "python"
    wanted = _fingerprint(requirements)
    stamp = folder / "installed"
    if python.exists() and stamp.exists() and stamp.read_text("utf-8") == wanted:
        return python
    say(f"making a Python environment in {folder.relative_to(ROOT)} (once, about half a minute)")
    _make(folder)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    for file in requirements:
        run([*pip, "--require-hashes", "--no-deps", "-r", str(ROOT / "requirements" / file)])
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    stamp.write_text(wanted, "utf-8")
    return python


def check_python() -> None:
    """Leave with advice when this Python is too old or lacks what environments are made with."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if sys.version_info < OLDEST:
        give_up(f"Python 3.10 or later is needed, and this is {version}. Run the same command with a newer python3.")
    try:
        import ensurepip  # noqa: F401, PLC0415
        import venv  # noqa: F401, PLC0415
    except ImportError:
        package = f"python{version}-venv" if _DEBIAN_LIKE.exists() else "the package with Python's venv and pip"
        command = f"sudo apt-get install {package}" if _DEBIAN_LIKE.exists() else f"install {package}"
        give_up(f"This Python cannot make environments: its venv module is missing. Please run: {command}")


def run(argv: list[str], **extra: str) -> None:
    """Run a command to its end, and leave with its status when it fails."""
    completed = subprocess.run(argv, cwd=ROOT, env={**os.environ, **extra}, check=False)
    if completed.returncode:
        raise SystemExit(completed.returncode)


def _make(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    run([sys.executable, "-m", "venv", str(folder)])


def _fingerprint(requirements: tuple[str, ...]) -> str:
    digest = hashlib.sha256(f"{sys.version}\n{ROOT}".encode())  # environments cannot be moved
    for path in (ROOT / "pyproject.toml", *(ROOT / "requirements" / file for file in requirements)):
        digest.update(path.read_bytes())
    return digest.hexdigest()
