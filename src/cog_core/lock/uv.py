"""One call of the resolver: its command line, its environment, and what its output means. Nothing runs here."""

from __future__ import annotations

import re
import sys
import zipfile
from typing import TYPE_CHECKING, Final

import attrs
from uv import find_uv_bin

from cog_core.config.urls import secrets, without_credentials
from cog_core.lock.locked import LockedPackage
from cog_core.process import Command
from cog_core.values import package_name
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cog_core.lock.indices import Indices
    from cog_core.lock.target import Target
    from cog_core.settings import Settings

_KEPT_VARIABLES: Final = frozenset(
    {
        *("UV_CACHE_DIR", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES", "UV_REQUEST_TIMEOUT", "UV_OFFLINE"),
        *("UV_CONCURRENT_DOWNLOADS", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_KEYRING_PROVIDER"),
    }
)
"""uv's variables about how it works; those about what it chooses would make locks differ unseen."""
_STUB_VERSION = "0"
_STRATEGY = "unsafe-best-match"


@attrs.frozen
class Parsed(Frozen):
    """What the resolver printed.

    Attributes:
        packages: Sorted by name.
        stubs: Packages that were asked for although they are left out, with who asked.
    """

    packages: tuple[LockedPackage, ...]
    stubs: Mapping[str, tuple[str, ...]]


def compile_command(
    requirements: Iterable[str],
    *,
    target: Target,
    indices: Indices,
    overrides: Path,
    settings: Settings,
) -> Command:
    """Return the command that resolves requirements without building anything.

    Indices go with the requirements over standard input, where no list of processes shows their credentials. All
    indices count alike, as with pip, which later installs from the same ones.

    Args:
        requirements: Lines without options.
        target: What to resolve for.
        indices: Where packages come from.
        overrides: File with what replaces packages; the resolver works in its folder, where no project's settings
            count.
        settings: Variables of the user.
    """
    text = "\n".join((*indices.secret_lines, *requirements, ""))
    argv = (
        *(find_uv_bin(), "pip", "compile", "-", "--no-config", "--no-header", "--no-progress", "--color", "never"),
        *("--generate-hashes", "--no-build", "--index-strategy", _STRATEGY),
        *("--python", sys.executable, "--python-version", target.python_version),
        *("--python-platform", target.python_platform, "--override", str(overrides)),
        *(("--no-index",) if indices.no_index else ()),
        *(("--prerelease", "allow") if indices.pre else ()),
        *(word for host in indices.trusted_hosts for word in ("--allow-insecure-host", host)),
    )
    return Command(
        argv=argv,
        cwd=overrides.parent,
        env=_environment(settings),
        stdin=text.encode(),
        secrets=frozenset(secrets(text)),
    )


def with_strategy(argv: tuple[str, ...], strategy: str) -> tuple[str, ...]:
    """Return a command line with another way in which several indices count."""
    return tuple(strategy if word == _STRATEGY else word for word in argv)


def _environment(settings: Settings) -> dict[str, str]:
    kept = {
        name: value
        for name, value in settings.environ.items()
        if not name.startswith("UV_") or name in _KEPT_VARIABLES
    }
    defaults = {"UV_CACHE_DIR": str(settings.cache / "uv"), "UV_KEYRING_PROVIDER": "subprocess"}
    return defaults | kept | {"UV_PYTHON_DOWNLOADS": "never"}


def stub_wheel(folder: Path, name: str) -> Path:
    """Make a wheel with nothing in it, to stand for a package that is left out.

    Unlike a requirement that is merely dropped, it shows in the output whether anybody asked for the package.
    """
    module = name.replace("-", "_")
    info = f"{module}-{_STUB_VERSION}.dist-info"
    path = folder / f"{module}-{_STUB_VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {_STUB_VERSION}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def parse_output(text: str) -> Parsed:
    """Read what the resolver printed: packages with hashes, each followed by remarks about who needs it."""
    packages: list[LockedPackage] = []
    stubs: dict[str, tuple[str, ...]] = {}
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text.strip()):
        first, *rest = entry.replace("\\\n", "\n").splitlines() or [""]
        name, url, version = _named(first.strip())
        if not name:
            continue
        if url.startswith("file:"):
            stubs[name] = tuple(_wanted_by(rest))
            continue
        hashes = sorted(line.strip().removeprefix("--hash=") for line in rest if line.strip().startswith("--hash="))
        address = without_credentials(url) or None
        packages.append(LockedPackage(name=name, version=version, url=address, hashes=tuple(hashes)))
    return Parsed(tuple(sorted(packages, key=lambda package: package.name)), stubs)


def _named(line: str) -> tuple[str, str, str | None]:
    name, at, url = line.partition(" @ ")
    if at:
        return package_name(name.partition("[")[0]), url.strip(), None
    name, equals, version = line.partition("==")
    return (package_name(name.partition("[")[0]), "", version.strip()) if equals else ("", "", None)


def _wanted_by(lines: Iterable[str]) -> list[str]:
    """Return the names in ``# via a`` or in the remarks below ``# via``."""
    words = [line.strip().lstrip("#").strip().removeprefix("via").strip() for line in lines if "#" in line]
    return [word for word in words if word and not word.startswith("-")]
