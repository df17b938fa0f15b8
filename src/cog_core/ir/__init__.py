"""The build plan: an image as a value, before anybody builds it."""

from cog_core.ir.canonical import PLAN_VERSION, digest, from_json, to_json
from cog_core.ir.capabilities import Capability, lacking, requirements
from cog_core.ir.lower import lower
from cog_core.ir.plan import BuildPlan, ImageConfig, Stage
from cog_core.ir.steps import (
    BindMount,
    CacheMount,
    Copy,
    Env,
    ImageBase,
    PythonBase,
    PythonPackages,
    Run,
    Runtime,
    SecretMount,
    SshMount,
    Step,
    SystemPackages,
    User,
    Weights,
    Workdir,
    Write,
)

__all__ = [
    "PLAN_VERSION",
    "BindMount",
    "BuildPlan",
    "CacheMount",
    "Capability",
    "Copy",
    "Env",
    "ImageBase",
    "ImageConfig",
    "PythonBase",
    "PythonPackages",
    "Run",
    "Runtime",
    "SecretMount",
    "SshMount",
    "Stage",
    "Step",
    "SystemPackages",
    "User",
    "Weights",
    "Workdir",
    "Write",
    "digest",
    "from_json",
    "lacking",
    "lower",
    "requirements",
    "to_json",
]
