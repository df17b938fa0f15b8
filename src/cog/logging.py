"""Logging as older releases set it up; models may use the standard library's logging as they like."""

import logging
import sys


def setup_logging(*, log_level: int = logging.INFO) -> None:
    """Send records of this level and above to standard error, one line each.

    Args:
        log_level: A level of the standard library's ``logging``.
    """
    logging.basicConfig(level=log_level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
