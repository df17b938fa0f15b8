"""Where a GPU model's CUDA comes from: out of its Python packages, or, one day, out of the base image.

Choosing a CUDA base by tables of versions is a stage of its own that will stand here. Until then a model whose
packages bring CUDA themselves gets the plain Python base, and one that needs CUDA in the system is refused.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.config.urls import without_credentials
from cog_core.errors import ResolveError
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    from cog_core.config import Build
    from cog_core.errors import Origin
    from cog_core.resolve.resolved import RequirementLine


class Source(Enum):
    """Where one requirement gets CUDA from."""

    WHEELS = "wheels"
    SYSTEM = "system"
    NOWHERE = "nowhere"


@attrs.frozen(kw_only=True)
class Package(Frozen):
    """How a package comes by CUDA.

    Attributes:
        since: First version whose wheels hold or require CUDA 11.7 or later; None: none does by itself.
        extras: Beginnings of extras that require NVIDIA's wheels.
        otherwise: Where versions and extras that are not named here get it from.
        instead: What to write so that CUDA comes along.
    """

    since: str | None = None
    extras: tuple[str, ...] = ()
    otherwise: Source = Source.SYSTEM
    instead: str


PACKAGES: Final = {
    "torch": Package(since="1.13", instead="torch>=1.13, or a build such as torch==1.12.1+cu116"),
    "tensorflow": Package(extras=("and-cuda",), instead="tensorflow[and-cuda]>=2.14"),
    "tensorflow-gpu": Package(instead="tensorflow[and-cuda]>=2.14"),
    "jax": Package(extras=("cuda",), otherwise=Source.NOWHERE, instead="jax[cuda12]"),
    "jaxlib": Package(otherwise=Source.NOWHERE, instead="jax[cuda12]"),
    "onnxruntime-gpu": Package(extras=("cuda", "cudnn"), instead="onnxruntime-gpu[cuda,cudnn]>=1.21"),
    "cupy": Package(instead="cupy-cuda12x[ctk]"),
    "cupy-cuda11x": Package(instead="cupy-cuda12x[ctk]"),
    "cupy-cuda12x": Package(extras=("ctk",), instead="cupy-cuda12x[ctk]"),
    "cupy-cuda13x": Package(extras=("ctk",), instead="cupy-cuda13x[ctk]"),
    "paddlepaddle-gpu": Package(since="3.0", instead="paddlepaddle-gpu>=3.0"),
    "pycuda": Package(instead="a package whose wheels bring CUDA"),
}
"""Packages that use CUDA, from the metadata of their releases.

torch: wheels before 1.13 on the default index hold CUDA 10.2, which knows no GPU since Ampere; 1.13 requires
nvidia-*-cu11 11.7 wheels and each later release newer ones. tensorflow: the extra came with 2.14. jax: without an
extra it runs on the CPU. Packages that are not listed need no CUDA in the system: they bring it, or run through one
of these.
"""

_PROVIDERS: Final = ("torch", "tensorflow")
"""Packages that, once imported, have loaded CUDA and cuDNN for the others of the process."""
_LOCAL_CUDA = re.compile(r"cu(?:da)?(\d{2,3})")
_OLDEST_BUILD = 110
"""First CUDA version, without its dot, whose builds of torch (``+cu110``) know Ampere."""
_LATER = "choosing a base image with CUDA is not supported yet"


@attrs.frozen
class CudaAnswer(Frozen):
    """What was found out: the reason for a decision, and what the author should know."""

    because: str
    note: str | None = None


def answer(build: Build, requirements: tuple[RequirementLine, ...], *, cuda_origin: Origin) -> CudaAnswer:
    """Say where a GPU model gets CUDA from.

    Args:
        build: The section ``build``, with ``gpu: true``.
        requirements: The author's requirements.
        cuda_origin: Where ``build.cuda`` stands.

    Raises:
        ResolveError: It needs CUDA in the system; the message says because of what.
    """
    sources = {line: _source(line) for line in requirements if line.name in PACKAGES}
    bringing = tuple(dict.fromkeys(str(line.name) for line, source in sources.items() if source is Source.WHEELS))
    provided = any(name in _PROVIDERS for name in bringing)
    for line, source in sources.items():
        if source is Source.SYSTEM and not (provided and line.name not in _PROVIDERS):
            hint = f"Write {PACKAGES[str(line.name)].instead}."
            raise ResolveError(
                f"{without_credentials(line.text)} needs CUDA in the system; {_LATER}", hint=hint, origin=line.origin
            )
    if build.cuda and not bringing:
        hint = "Leave build.cuda out, and install packages whose wheels bring CUDA, such as torch 2."
        message = f"build.cuda asks for CUDA {build.cuda} in the system; {_LATER}"
        raise ResolveError(message, hint=hint, origin=cuda_origin)
    return _answer(build, bringing)


def _answer(build: Build, bringing: tuple[str, ...]) -> CudaAnswer:
    if not bringing:
        return CudaAnswer("no package that is listed needs CUDA in the system")
    names = " and ".join(bringing)
    because = f"{names} {'bring' if len(bringing) > 1 else 'brings'} CUDA"
    ignored = [f"build.{key} {value}" for key in ("cuda", "cudnn") if (value := getattr(build, key))]
    note = f"{because}, so the plain Python base is used"
    return CudaAnswer(because, f"{note}; {' and '.join(ignored)} is not installed beside it" if ignored else note)


def _source(line: RequirementLine) -> Source:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - slow, and only for GPUs
    from packaging.version import Version  # noqa: PLC0415

    package = PACKAGES[str(line.name)]
    try:
        requirement = Requirement(line.text)
    except InvalidRequirement:  # a URL or file alone: the author chose a build
        return Source.WHEELS
    extras = [extra.lower().replace("_", "-") for extra in requirement.extras]
    if any(extra.startswith(package.extras) for extra in extras if package.extras):
        return Source.SYSTEM if any(extra.endswith("-local") for extra in extras) else Source.WHEELS
    version = _highest(requirement.specifier)
    if version is not None and (local := _LOCAL_CUDA.search(version.local or "")):
        return Source.WHEELS if line.name in _PROVIDERS and int(local[1]) >= _OLDEST_BUILD else Source.SYSTEM
    if requirement.url is not None or (package.since and (version is None or version >= Version(package.since))):
        return Source.WHEELS
    return package.otherwise


def _highest(specifier: SpecifierSet) -> Version | None:
    """Return the highest version that the specifiers name; None when they are open above."""
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - as above

    for each in specifier:
        if each.operator in {"==", "===", "<", "<=", "~="}:
            try:
                return Version(each.version.removesuffix(".*"))
            except InvalidVersion:
                return None
    return None
