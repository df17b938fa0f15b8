"""A name of earlier releases; whoever asks for it is told, once."""

import sys


class ExperimentalFeatureWarning(FutureWarning):
    """Something that may change without notice; kept for models that name it."""


sys.stderr.write("cog.ExperimentalFeatureWarning is deprecated; nothing issues it any more\n")
