"""What the environment says: the only place that reads environment variables."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from cog_core.errors import UsageError
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "ftp_proxy", "all_proxy")
_ISOLATIONS = ("auto", "sandbox", "process")
PROBE_TIMEOUT = 15.0
"""Seconds that a backend has to answer: engines of ours over ssh need some."""

_NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")
_OFF = {"", "0", "false", "no", "off"}


@attrs.frozen(kw_only=True)
class Settings(Frozen):
    """All settings that come from outside a project, read once and passed on.

    Attributes:
        environ: Everything, for programs that we start; use the fields for decisions.
        home: The user's home directory.
        cache: Where images, packages and bundles are kept; ``COG_CACHE_DIR``, else the platform's cache folder.
        backend: Backend asked for by ``COG_BACKEND``.
        base_image: Base asked for by ``COG_BASE_IMAGE``: an image reference, ``oci:DIR[:TAG]`` or
            ``docker-archive:FILE``.
        debian_mirror: Debian mirror asked for by ``COG_DEBIAN_MIRROR``; None: what the host's apt uses.
        allow_expired_lists: Accept Debian package lists past their date (``COG_ALLOW_EXPIRED_LISTS``).
        registry: Registry that bare model names and ``cog login`` mean; ``COG_REGISTRY_HOST``.
        ca_cert: ``COG_CA_CERT``: a file, a directory, PEM text, or base64 of PEM.
        proxies: Proxy variables that are set, by lower-case name.
        source_date_epoch: ``SOURCE_DATE_EPOCH`` (reproducible-builds.org specification), in seconds.
        isolation: How the embedded backend runs images (``COG_ISOLATION``): ``sandbox``, ``process``, or ``auto``.
        disabled_plugins: Entry-point names in ``COG_DISABLE_PLUGINS``, separated by commas; ``all`` means every
            plugin that is not ours.
        probe_timeout: Seconds that a backend has to say whether it works (``COG_PROBE_TIMEOUT``).
        color: Whether colours are allowed (``NO_COLOR``, ``COG_NO_COLOR``, ``TERM=dumb``).
        progress: ``BUILDKIT_PROGRESS``, or ``plain`` on a dumb terminal, or ``auto``.
        debug: Show tracebacks of our own errors (``COG_DEBUG``).
    """

    environ: Mapping[str, str] = attrs.field(repr=False)
    home: Path
    cache: Path
    backend: str | None = None
    base_image: str | None = None
    debian_mirror: str | None = None
    allow_expired_lists: bool = False
    registry: str = "r8.im"
    ca_cert: str | None = attrs.field(default=None, repr=False)
    proxies: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    source_date_epoch: int | None = None
    isolation: str = "auto"
    disabled_plugins: frozenset[str] = frozenset()
    probe_timeout: float = PROBE_TIMEOUT
    color: bool = True
    progress: str = "auto"
    debug: bool = False

    @property
    def images(self) -> Path:
        """Folder of the images that no engine keeps."""
        return self.cache / "images"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Args:
            environ: Variables to read; the process's own by default.

        Raises:
            UsageError: ``SOURCE_DATE_EPOCH`` or ``COG_PROBE_TIMEOUT`` is no number, or ``COG_ISOLATION`` is none of
                its words.
        """
        env = dict(os.environ if environ is None else environ)
        home = Path(env.get("HOME") or Path("~").expanduser())
        dumb = env.get("TERM") == "dumb"
        return cls(
            environ=env,
            home=home,
            cache=_cache_folder(env, home),
            backend=env.get("COG_BACKEND") or None,
            base_image=env.get("COG_BASE_IMAGE") or None,
            debian_mirror=env.get("COG_DEBIAN_MIRROR") or None,
            allow_expired_lists=_is_on(env, "COG_ALLOW_EXPIRED_LISTS"),
            registry=env.get("COG_REGISTRY_HOST") or "r8.im",
            ca_cert=env.get("COG_CA_CERT") or None,
            proxies=_proxies(env),
            source_date_epoch=_epoch(env.get("SOURCE_DATE_EPOCH")),
            isolation=_isolation(env.get("COG_ISOLATION")),
            disabled_plugins=frozenset(
                name.strip() for name in env.get("COG_DISABLE_PLUGINS", "").split(",") if name.strip()
            ),
            probe_timeout=_seconds(env, "COG_PROBE_TIMEOUT", PROBE_TIMEOUT),
            color=not (env.get("NO_COLOR") or env.get("COG_NO_COLOR") or dumb),
            progress=env.get("BUILDKIT_PROGRESS") or ("plain" if dumb else "auto"),
            debug=_is_on(env, "COG_DEBUG"),
        )


def _cache_folder(env: Mapping[str, str], home: Path) -> Path:
    if chosen := env.get("COG_CACHE_DIR"):
        folder = Path(os.path.expanduser(chosen))  # noqa: PTH111 - Path's own fails for a user that does not exist
        return folder.absolute()
    if base := env.get("XDG_CACHE_HOME"):
        return Path(base) / "cog"
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "cog"


def _proxies(env: Mapping[str, str]) -> dict[str, str]:
    found = {name: env.get(name) or env.get(name.upper()) for name in _PROXIES}
    return {name: value for name, value in found.items() if value}


def _epoch(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isdecimal():
        raise UsageError(f"SOURCE_DATE_EPOCH is not a number of seconds: {text!r}")
    return int(text)


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name) or str(default)
    if not _NUMBER.fullmatch(text) or not float(text):
        raise UsageError(f"{name} is not a number of seconds above zero: {text!r}")
    return float(text)


def _isolation(text: str | None) -> str:
    if (text or "auto") not in _ISOLATIONS:
        raise UsageError(f"COG_ISOLATION is {text!r}", hint=f"Use one of {', '.join(_ISOLATIONS)}.")
    return text or "auto"


def _is_on(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "").lower() not in _OFF
