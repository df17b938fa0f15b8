"""From a configuration and facts to a build with every question answered. Pure: nothing is read or fetched."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from cog_core.config import Batch, Concurrency, Mount
from cog_core.config.findings import Findings, in_order
from cog_core.config.model import BATCH_SIZE, BATCH_WINDOW
from cog_core.config.rules import too_old_for_concurrency
from cog_core.errors import ConfigInvalid
from cog_core.ir import SecretMount, SshMount
from cog_core.ir.plan import Decision
from cog_core.resolve import sdk
from cog_core.resolve.lines import all_lines
from cog_core.resolve.requirements import Requirements, read_requirements
from cog_core.resolve.resolved import IndexOption, ResolvedBuild, RunCommand, SystemPackage
from cog_core.values import PythonVersion, image_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.config import Config, LoadedConfig, RunItem
    from cog_core.resolve.facts import Facts

_SYSTEM_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*(?::[a-z0-9-]+)?(?:[=/][A-Za-z0-9][A-Za-z0-9.+:~_-]*)?", re.ASCII)
_NOT_YET = {
    "weights": "Copy the files into the project, or fetch them in setup().",
    "workdir": "Change to the folder in setup(), and give paths from the project's folder.",
    "build.post_install": "Move the commands into build.run, which runs before the code is copied.",
}
"""Keys without which another image would come out, and what to do instead."""


def resolve(loaded: LoadedConfig, facts: Facts) -> ResolvedBuild:
    """Answer every question that can be answered without asking an index.

    Args:
        loaded: The configuration.
        facts: What is known about the project.

    Raises:
        ConfigInvalid: The configuration, or the requirements file, holds something that cannot be used.
        ResolveError: The model needs what this version cannot give, such as CUDA in the system.
    """
    findings = Findings()
    requirements = read_requirements(all_lines(loaded, facts.requirements), facts.files, findings)
    packages = tuple(_system_packages(loaded, findings))
    most = _max_concurrency(loaded, facts, findings)
    _check_threads(loaded, facts, findings)
    _check_unsupported(loaded, findings)
    _check_sdk(loaded, findings)
    if findings.problems:
        raise ConfigInvalid(in_order(findings.problems))
    config = loaded.config
    decisions = [_python_decision(loaded), _image_decision(loaded, facts)]
    if config.build.gpu:
        decisions.append(_gpu_decision(loaded, requirements, findings))
    assert config.build.python_version is not None
    return ResolvedBuild(
        python=PythonVersion.parse(config.build.python_version),
        platform=facts.platform,
        gpu=config.build.gpu,
        requirements=requirements.lines,
        index=(*_old_index_options(loaded), *requirements.index),
        system_packages=packages,
        run=tuple(_commands(loaded)),
        environment=tuple(sorted(_pair(entry) for entry in config.environment)),
        max_concurrency=most,
        predict=config.predict,
        train=config.train,
        image=decisions[1].value,
        config=_effective(config, most, facts.batch),
        decisions=tuple(decisions),
        warnings=in_order(findings.warnings),
        notes=tuple(findings.notes),
    )


def _system_packages(loaded: LoadedConfig, findings: Findings) -> Iterator[SystemPackage]:
    seen = set[str]()
    for index, text in enumerate(loaded.config.build.system_packages):
        origin = loaded.origin(f"build.system_packages[{index}]")
        for name in text.split():
            if not _SYSTEM_PACKAGE.fullmatch(name):
                fact = f'invalid build.system_packages "{name}": not the name of a package'
                findings.problem(fact, origin, "Write a package's name, or name=version.")
            elif name not in seen:
                seen.add(name)
                yield SystemPackage(name=name, origin=origin)


def _commands(loaded: LoadedConfig) -> Iterator[RunCommand]:
    """Yield the commands of ``run`` and then those of ``pre_install``, as upstream does (reference, section 3.3)."""
    build = loaded.config.build
    for index, item in enumerate(build.run):
        if item.command.strip():
            origin = loaded.origin(f"build.run[{index}]")
            yield RunCommand(script=_script(item.command), mounts=_mounts(item), origin=origin)
    for index, text in enumerate(build.pre_install):
        if text.strip():
            yield RunCommand(script=_script(text), origin=loaded.origin(f"build.pre_install[{index}]"))


def _script(command: str) -> str:
    """Make a command of several lines stop at the first that fails, as a list of single ones would."""
    script = command.strip()
    return f"set -e\n{script}" if "\n" in script and not script.startswith("#!") else script


def _mounts(item: RunItem) -> tuple[SecretMount | SshMount, ...]:
    return tuple(
        SecretMount(id=mount.id, target=mount.target) if isinstance(mount, Mount) else SshMount(id=mount.id)
        for mount in item.mounts
    )


def _pair(entry: str) -> tuple[str, str]:
    name, _, value = entry.partition("=")
    return name, value


def _max_concurrency(loaded: LoadedConfig, facts: Facts, findings: Findings) -> int | None:
    """Return what ``cog.yaml`` says, else the decorator, after upstream's checks (reference, section 1.4)."""
    written = loaded.config.concurrency
    by_file = written is not None and written.max is not None
    most = written.max if written and by_file else facts.concurrency
    if most is None or most <= 1:
        return most
    what = "concurrency.max > 1" if by_file else "@cog.concurrent(max > 1)"
    origin = loaded.origin("concurrency.max" if by_file else "predict")
    if facts.is_async is False:
        findings.problem(f"{what} requires an async run() or predict() method", origin)
    elif too_old_for_concurrency(loaded.config.build.python_version):
        findings.problem("concurrency requires Python 3.11 or higher", origin)
    return most


def _check_threads(loaded: LoadedConfig, facts: Facts, findings: Findings) -> None:
    section = loaded.config.concurrency
    if section and (section.threads or 0) > 1 and facts.is_async:
        fact = "concurrency.threads > 1 requires a run() or predict() method that is not async"
        hint = "An async method runs several predictions in one thread: write @cog.concurrent(max=...) above it."
        findings.problem(fact, loaded.origin("concurrency.threads"), hint)


def _check_unsupported(loaded: LoadedConfig, findings: Findings) -> None:
    config = loaded.config
    used = {"weights": config.weights, "workdir": config.workdir, "build.post_install": config.build.post_install}
    for key, value in used.items():
        if value:
            findings.problem(f"{key} is not supported yet", loaded.origin(key), _NOT_YET[key])
    if config.build.build_requires_gpu:
        fact = "build.build_requires_gpu is ignored: build commands have no GPU"
        findings.warn(fact, loaded.origin("build.build_requires_gpu"))


def _check_sdk(loaded: LoadedConfig, findings: Findings) -> None:
    version = loaded.config.build.sdk_version
    if version is None:
        return
    origin = loaded.origin("build.sdk_version")
    if problem := sdk.problem_of(version):
        findings.problem(f'invalid build.sdk_version "{version}": {problem}', origin)
    else:
        findings.note(f"build.sdk_version {version} is answered by the built-in SDK", origin)


def _python_decision(loaded: LoadedConfig) -> Decision:
    origin = loaded.origin("build.python_version")
    version = loaded.config.build.python_version or ""
    because = "build.python_version says so" if origin.line else "build.python_version is not set"
    return Decision(what="python", value=version, because=because)


def _image_decision(loaded: LoadedConfig, facts: Facts) -> Decision:
    for key in ("image", "model"):
        if value := getattr(loaded.config, key):
            return Decision(what="image", value=value, because=f"{key} says so")
    name = image_name(facts.directory)
    return Decision(what="image", value=name, because=f"the folder is called {facts.directory}")


def _gpu_decision(loaded: LoadedConfig, requirements: Requirements, findings: Findings) -> Decision:
    from cog_core.resolve import cuda  # noqa: PLC0415 - most models need no GPU

    build = loaded.config.build
    answer = cuda.answer(build, requirements.lines, cuda_origin=loaded.origin("build.cuda"))
    if answer.note:
        findings.note(answer.note, loaded.origin("build.gpu"))
    return Decision(what="cuda", value="from the Python packages", because=answer.because)


def _old_index_options(loaded: LoadedConfig) -> Iterator[IndexOption]:
    build = loaded.config.build
    keys = {"python_extra_index_urls": "--extra-index-url", "python_find_links": "--find-links"}
    for key, flag in keys.items():
        for index, value in enumerate(getattr(build, key)):
            yield IndexOption(flag=flag, value=value, origin=loaded.origin(f"build.{key}[{index}]"))


def _effective(config: Config, most: int | None, decorated: tuple[int, float] | None) -> Config:
    """Return the configuration as it is in force: with what the model's decorators ask for and the file does not."""
    section = config.concurrency or Concurrency()
    batch = _batch(section.batch, decorated)
    if most is None and batch is None:
        return config
    section = attrs.evolve(section, max=section.max if most is None else most, batch=batch)
    return attrs.evolve(config, concurrency=section)


def _batch(written: Batch | None, decorated: tuple[int, float] | None) -> Batch | None:
    """Return how requests become one call: each number from the file, else from the decorator, else the usual one."""
    if written is None and decorated is None:
        return None
    size, window = decorated or (BATCH_SIZE, BATCH_WINDOW)
    given = written or Batch()
    return Batch(
        max_size=size if given.max_size is None else given.max_size,
        window=window if given.window is None else given.window,
    )
