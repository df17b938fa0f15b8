"""The file ``cog.yaml``: read, checked, and brought into types, with the place of every value."""

from cog_core.config.loaded import DEFAULT_PYTHON, LoadedConfig, from_json, load, parse
from cog_core.config.model import Batch, Build, Concurrency, Config, Mount, RunItem, SshMount, Weight, WeightSource

__all__ = [
    "DEFAULT_PYTHON",
    "Batch",
    "Build",
    "Concurrency",
    "Config",
    "LoadedConfig",
    "Mount",
    "RunItem",
    "SshMount",
    "Weight",
    "WeightSource",
    "from_json",
    "load",
    "parse",
]
