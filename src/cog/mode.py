"""What a running image does: predict or train."""

from enum import Enum


class Mode(Enum):
    """The two modes of a server (``--x-mode``)."""

    PREDICT = "predict"
    TRAIN = "train"

    def __str__(self) -> str:
        """Return the mode as it is written on the command line."""
        return str(self.value)
