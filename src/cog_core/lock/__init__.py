"""Which files of which packages an image gets: asked once, remembered, checked by hash ever after."""

from cog_core.lock.credentials import build_logins, build_secrets
from cog_core.lock.installer import installer_environ, with_pip_certificates
from cog_core.lock.lock import ARTIFACTS_FOLDER, lock
from cog_core.lock.locked import LocalArtifact, LockedPackage, LockedPackages, Resolution
from cog_core.lock.project_lock import write_lock_file
from cog_core.lock.target import DEFAULT_GLIBC

__all__ = [
    "ARTIFACTS_FOLDER",
    "DEFAULT_GLIBC",
    "LocalArtifact",
    "LockedPackage",
    "LockedPackages",
    "Resolution",
    "build_logins",
    "build_secrets",
    "installer_environ",
    "lock",
    "with_pip_certificates",
    "write_lock_file",
]
