"""The C library's memory: keep what large requests used instead of giving it back after each."""

from __future__ import annotations

from contextlib import suppress

# Parameters of mallopt(3) in glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_MIB = 1 << 20


def keep_memory() -> None:
    """Tell glibc to keep freed memory and not to map large blocks one by one; elsewhere nothing happens."""
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - milliseconds that the start does not have

        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, 256 * _MIB)
        mallopt(_TRIM_THRESHOLD, 256 * _MIB)
        mallopt(_TOP_PAD, 16 * _MIB)
