"""Which of the author's files a build may see, and how they are found."""

from cog_core.context.export import materialise, tar_stream
from cog_core.context.ignore import ALWAYS_IGNORED, DEFAULT_IGNORES, IgnoreRules, exactly
from cog_core.context.scan import BuildContext, Entry, EntryKind, Survey

__all__ = [
    "ALWAYS_IGNORED",
    "DEFAULT_IGNORES",
    "BuildContext",
    "Entry",
    "EntryKind",
    "IgnoreRules",
    "Survey",
    "exactly",
    "materialise",
    "tar_stream",
]
