"""The runtime bundle: the server with its packages, the worker and the SDK, ready to be copied into an image."""

from cog_core.runtime_bundle.prepare import Bundle, key_of, prepare
from cog_core.runtime_bundle.startup import STARTUP_FILE, STARTUP_TEXT

__all__ = ["STARTUP_FILE", "STARTUP_TEXT", "Bundle", "key_of", "prepare"]
