"""From what is meant to what is done: meaningful steps as primitive ones, for backends that only know those."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.ir.capabilities import MEANINGS, Capability
from cog_core.ir.steps import (
    RUNTIME,
    WEIGHTS,
    CacheMount,
    Copy,
    ImageBase,
    Mount,
    PythonBase,
    PythonPackages,
    Run,
    Runtime,
    SecretMount,
    Step,
    SystemPackages,
    Weights,
    Write,
)
from cog_core.values import PythonLayout

if TYPE_CHECKING:
    from cog_core.ir.plan import BuildPlan

RUNTIME_FOLDER: Final = "/opt/cog"
"""Where an image keeps the server, the worker and the SDK."""

STARTUP_FILE: Final = "cog-startup.pth"
"""File of the bundle that keeps a model's modules from being imported in place of the standard library's."""

LOCK_FILE: Final = f"{RUNTIME_FOLDER}/requirements.txt"
SECRETS_FOLDER: Final = "/run/secrets"
CA_CERT: Final = "cog-ca-cert"
"""Id of the secret that holds certificate authorities for the time of the build."""
NETRC: Final = "cog-netrc"
"""Id of the secret that holds credentials of package indices, in netrc form."""

_SAME_BYTECODE: Final = "PYTHONHASHSEED=0"
"""Makes compilers write sets of constants in one order (Python documentation, "Command line and environment")."""
_APT_CACHE = CacheMount(id="cog-apt", target="/var/cache/apt", shared=False)
_PIP_CACHE = CacheMount(id="cog-pip", target="/root/.cache/pip")


def lower(plan: BuildPlan, capabilities: frozenset[Capability], *, layout: PythonLayout | None = None) -> BuildPlan:
    """Return a plan whose meaningful steps are only those in ``capabilities``.

    Args:
        plan: What is wanted.
        capabilities: What the backend takes as it is.
        layout: Where the base keeps Python; by default as in the official image of the plan's version.

    Pure: the same arguments give the same plan.
    """
    layout = layout or _default_layout(plan)
    plan = _with_base(plan, capabilities)
    steps: list[Step] = []
    for step in plan.steps:
        meaning = MEANINGS.get(type(step))
        if meaning is None or meaning in capabilities:
            steps.append(step)
        else:
            steps.extend(_primitives(step, layout))
    return plan.with_steps(*steps)


def _with_base(plan: BuildPlan, capabilities: frozenset[Capability]) -> BuildPlan:
    base = plan.stage.base
    if not isinstance(base, PythonBase) or Capability.PYTHON_BASE in capabilities:
        return plan
    image = ImageBase(reference=f"python:{base.version}-slim", python=base.version, origin=base.origin)
    return attrs.evolve(plan, stage=attrs.evolve(plan.stage, base=image))


def _default_layout(plan: BuildPlan) -> PythonLayout | None:
    base = plan.stage.base
    version = base.version if isinstance(base, PythonBase) else base.python
    return PythonLayout.of_official_image(version) if version else None


def _primitives(step: Step, layout: PythonLayout | None) -> tuple[Step, ...]:
    match step:
        case SystemPackages():
            return (_install_system_packages(step),)
        case PythonPackages():
            return _install_python_packages(step, layout)
        case Runtime():
            return _install_runtime(step, layout)
        case Weights():
            return (Copy(context=WEIGHTS, target=step.target, independent=True, origin=step.origin),)
        case _:
            raise AssertionError(f"{type(step).__name__} has no primitive form")


def _install_system_packages(step: SystemPackages) -> Run:
    names = " ".join(map(shlex.quote, step.names))
    script = (
        "apt-get update -qq"
        f" && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends {names}"
        " && rm -rf /var/lib/apt/lists/*"
    )
    return Run(script=script, mounts=(_APT_CACHE,), origin=step.origin)


def _install_python_packages(step: PythonPackages, layout: PythonLayout | None) -> tuple[Step, ...]:
    """Install the lock with hashes, then what only the image can build, each in a layer of its own."""
    mounts: tuple[Mount, ...] = (
        _PIP_CACHE,
        *(SecretMount(id=name, target=f"{SECRETS_FOLDER}/{name}") for name in step.secrets),
    )
    variables = {CA_CERT: "PIP_CERT", NETRC: "NETRC"}
    environment = [f"{variables[name]}={SECRETS_FOLDER}/{name}" for name in step.secrets]
    interpreter = layout.interpreter if layout else "python3"
    options = "--disable-pip-version-check --root-user-action=ignore"
    pip = " ".join([_SAME_BYTECODE, *environment, interpreter, "-m pip install", options])
    steps: list[Step] = []
    if step.locked:
        content = "\n".join((*step.index, *step.locked, ""))
        steps += [
            Write(path=LOCK_FILE, content=content, origin=step.origin),
            Run(script=f"{pip} --no-deps --require-hashes -r {LOCK_FILE}", mounts=mounts, origin=step.origin),
        ]
    if step.unlocked:
        path = f"{RUNTIME_FOLDER}/unlocked.txt"
        content = "\n".join((*step.index, *step.unlocked, ""))
        steps += [
            Write(path=path, content=content, origin=step.origin),
            Run(script=f"{pip} -r {path}", mounts=mounts, origin=step.origin),
        ]
    return tuple(steps)


def _install_runtime(step: Runtime, layout: PythonLayout | None) -> tuple[Step, ...]:
    """Copy the bundle and make the SDK importable for every program of the image.

    The link replaces whatever a requirement or a command may have installed under the name ``cog``. Bytecode is
    compiled in the image, because only its own interpreter surely writes the right one; hash-based files
    (PEP 552) come out the same wherever they are made.
    """
    if layout is None:
        interpreter = "python3"
        purelib = '"$(python3 -c \'import sysconfig; print(sysconfig.get_path("purelib"))\')"'
    else:
        interpreter, purelib = layout.interpreter, layout.purelib
    script = (
        f"{{ command -v {interpreter} >/dev/null || {{ echo 'the base image has no {interpreter}' >&2; exit 1; }}; }}"
        f" && site={purelib} && rm -rf $site/cog && ln -s {RUNTIME_FOLDER}/sdk/cog $site/cog"
        f" && ln -sf {RUNTIME_FOLDER}/{STARTUP_FILE} $site/{STARTUP_FILE}"
        " && { command -v python >/dev/null"
        f' || ln -s "$(command -v {interpreter})" /usr/local/bin/python; }}'
        f" && {_SAME_BYTECODE} {interpreter} -m compileall -q -j 0"
        f" --invalidation-mode unchecked-hash {RUNTIME_FOLDER}"
    )
    return (
        Copy(context=RUNTIME, target=RUNTIME_FOLDER, independent=True, origin=step.origin),
        Run(script=script, origin=step.origin),
    )
