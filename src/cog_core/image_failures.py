"""Errors of the image formats, of registries and of full disks, told as the errors of a backend."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING, Final

from cog_core.errors import BackendError, ImageNotFound, RegistryError
from cog_oci.errors import InvalidReference, Missing, OciError, RegistryFailure, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def mapped() -> Iterator[None]:
    """Turn what :mod:`cog_oci` raises into errors of the core's tree.

    Raises:
        RegistryError: A registry refused, or is out of reach.
        ImageNotFound: There is no such image.
        BackendError: Something is damaged, or a disk is full.
    """
    try:
        yield
    except Unauthorized as error:
        raise RegistryError(error.message, hint=error.hint or "Log in with `cog login`.") from error
    except RegistryFailure as error:
        raise RegistryError(error.message, hint=error.hint) from error
    except (Missing, InvalidReference) as error:
        raise ImageNotFound(error.message, hint=error.hint) from error
    except OciError as error:
        raise BackendError(error.message, hint=error.hint) from error
    except OSError as error:
        if error.errno not in _FULL:
            raise
        where = f" for {error.filename}" if error.filename else ""
        raise BackendError(
            f"no space left on the disk{where}",
            hint="Free some space, or name another disk: --output, COG_CACHE_DIR.",
        ) from error
