"""Where older releases kept the exception of a cancelled prediction."""

from cog.exceptions import CancelationException

__all__ = ["CancelationException"]
