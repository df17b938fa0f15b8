"""From what the author wrote to what is to be built, with the reason for every decision."""

from cog_core.config.files import FileKind
from cog_core.resolve.facts import Facts, RequirementsFile
from cog_core.resolve.requirements import local_paths
from cog_core.resolve.resolve import resolve
from cog_core.resolve.resolved import IndexOption, RequirementLine, ResolvedBuild, RunCommand, SystemPackage

__all__ = [
    "Facts",
    "FileKind",
    "IndexOption",
    "RequirementLine",
    "RequirementsFile",
    "ResolvedBuild",
    "RunCommand",
    "SystemPackage",
    "local_paths",
    "resolve",
]
