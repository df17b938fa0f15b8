"""A plan as people read it: what was decided and why, and the steps with the lines that asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cog_cli.render.table import section, shortened
from cog_core.ir import (
    Copy,
    Env,
    ImageBase,
    PythonPackages,
    Run,
    Runtime,
    SystemPackages,
    User,
    Weights,
    Workdir,
    Write,
    digest,
)

if TYPE_CHECKING:
    from cog_core.ir import BuildPlan, Step


def show_plan(plan: BuildPlan, builder: str) -> str:
    """Return a plan as text.

    Args:
        plan: What to show.
        builder: Who would build it, and why.
    """
    base = plan.stage.base
    name = base.reference if isinstance(base, ImageBase) else f"Python {base.version}"
    decided = [(decision.what, decision.value, f"because {decision.because}") for decision in plan.decisions]
    steps = [(str(number), *_row(step)) for number, step in enumerate(plan.steps, 1)]
    return "\n".join(
        (
            section("Decisions", decided),
            section("Steps", [("0", f"from {name}", str(base.origin or "")), *steps]),
            f"Backend   {builder}",
            f"Platform  {plan.platform}",
            f"Command   {' '.join(plan.config.cmd)}",
            f"Digest    {digest(plan)}",
            "",
        )
    )


def _row(step: Step) -> tuple[str, str]:
    return shortened(_text(step)), f"({step.origin})" if step.origin else ""


def _text(step: Step) -> str:  # noqa: PLR0911 - one return for each kind of step
    match step:
        case Run(script=script):
            return f"run {script}"
        case Copy(context=context, source=source, target=target):
            return f"copy {context}{'' if source == '.' else f':{source}'} to {target}"
        case Write(path=path):
            return f"write {path}"
        case Env(variables=variables):
            return "set " + ", ".join(name for name, _ in variables)
        case Workdir(path=path):
            return f"work in {path}"
        case User(name=name):
            return f"run as {name}"
        case SystemPackages(names=names):
            return "install " + " ".join(names)
        case PythonPackages(locked=locked, unlocked=unlocked):
            return "install " + ", ".join(line.split()[0].rstrip(";") for line in (*locked, *unlocked))
        case Runtime():
            return "add the runtime"
        case Weights(paths=paths):
            return "copy weights: " + ", ".join(paths)
