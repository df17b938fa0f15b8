"""How package installers on this machine are to be started: with the user's certificates and indices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from cog_core.certificates import bundle_file
from cog_core.lock.indices import gather
from cog_core.lock.pip_settings import pip_settings

if TYPE_CHECKING:
    from cog_core.settings import Settings


def with_pip_certificates(settings: Settings) -> Settings:
    """Take pip's ``cert`` for ``COG_CA_CERT`` where that is not set: images need it for the same indices."""
    if settings.ca_cert:
        return settings
    chosen = pip_settings(settings).get("cert")
    file = Path(chosen).expanduser() if chosen else None
    return attrs.evolve(settings, ca_cert=str(file)) if file is not None and file.is_file() else settings


def installer_environ(settings: Settings) -> dict[str, str]:
    """Return the environment for ``uv`` when it installs what is not the project's: the runtime's packages.

    It takes them from the indices that the user's settings for uv and pip name. Credentials in their addresses are
    in the environment only.

    Raises:
        UsageError: ``COG_CA_CERT`` cannot be used.
    """
    environ = dict(settings.environ)
    if bundle := bundle_file(settings):
        environ["SSL_CERT_FILE"] = str(bundle)
    indices = gather((), settings)
    by_flag: dict[str, list[str]] = {}
    for flag, url in indices.urls:
        by_flag.setdefault(flag, []).append(url)
    for flag, variable in _VARIABLES.items():
        if flag in by_flag:
            environ[variable] = " ".join(by_flag[flag])
    return environ | {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_NO_CONFIG": "1"}


_VARIABLES = {"--index-url": "UV_DEFAULT_INDEX", "--extra-index-url": "UV_INDEX", "--find-links": "UV_FIND_LINKS"}
