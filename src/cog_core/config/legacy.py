"""What earlier generations of Cog called things, turned into today's names with one note each.

Until July 2021 the build settings stood under ``environment``, and ``model`` named the class that predicts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from cog_core.config.nodes import Entry, Listing, Scalar, Table

if TYPE_CHECKING:
    from cog_core.config.findings import Findings

LEGACY_PYTHON = "3.8"
"""Python of a file of that time that names none: its documented default."""

_BUILD_SETTINGS = {
    *("python_version", "python_requirements", "python_packages", "python_extra_index_urls", "python_find_links"),
    *("system_packages", "architectures", "cuda", "cudnn", "pre_install", "post_install", "build_requires_gpu"),
    *("workdir", "python"),
}
_POINTER = re.compile(r"[^:\s]+\.py:[A-Za-z_]\w*")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]*")


def modernise(tree: Table, findings: Findings) -> tuple[Table, bool]:
    """Return the tree with today's names, and whether the file is one of an earlier generation."""
    old_build = _is_build_section(tree.get("environment"))
    old_model = _is_pointer(tree.get("model"))
    if old_build:
        tree = _environment_to_build(tree, findings)
    tree = _pointer_of_model(tree, findings) if old_model else tree
    tree = _one_pointer(tree, findings)
    if old_build or old_model:
        tree = _name_to_image(tree, findings)
    if build := tree.get("build"):
        tree = _workdir_to_top(tree, build)
    return _without_examples(tree, findings), old_build or old_model


def _is_build_section(entry: Entry | None) -> bool:
    if entry is None or not isinstance(entry.value, Table):
        return False
    return any(child.key in _BUILD_SETTINGS for child in entry.value.entries)


def _is_pointer(entry: Entry | None) -> bool:
    return entry is not None and isinstance(entry.value, Scalar) and bool(_POINTER.fullmatch(entry.value.text or ""))


def _environment_to_build(tree: Table, findings: Findings) -> Table:
    old, new = tree.get("environment"), tree.get("build")
    assert old is not None
    if new is not None and new.value != Scalar(None, new.value.origin):
        fact = 'invalid environment: it holds build settings, and "build" is there too'
        findings.problem(fact, old.origin, 'Move the settings of "environment" into "build".')
        return tree.without("environment")
    findings.note(
        '"environment" with build settings is the form of an earlier Cog; it is read as "build"', old.origin
    )
    tree = tree.without("build").renamed("environment", "build")
    return tree.mapped(lambda entry: _with_gpu(entry) if entry.key == "build" else entry)


def _with_gpu(build: Entry) -> Entry:
    """Derive ``gpu`` from ``architectures``: a model that also had a CPU image runs without a GPU."""
    section = build.value
    if not isinstance(section, Table) or section.get("gpu") or not (choice := section.get("architectures")):
        return build
    names = (
        [item.text for item in choice.value.items if isinstance(item, Scalar)]
        if isinstance(choice.value, Listing)
        else []
    )
    if "gpu" not in names or "cpu" in names:
        return build
    gpu = Entry("gpu", choice.origin, Scalar("true", choice.value.origin))
    return attrs.evolve(build, value=attrs.evolve(section, entries=(*section.entries, gpu)))


def _pointer_of_model(tree: Table, findings: Findings) -> Table:
    model = tree.get("model")
    assert model is not None
    assert isinstance(model.value, Scalar)
    findings.note(
        f'"model: {model.value.text}" is the form of an earlier Cog; it is read as "run"', model.value.origin
    )
    others = [entry for key in ("run", "predict") if (entry := tree.get(key))]
    if not others:
        return tree.renamed("model", "predict")
    if all(isinstance(entry.value, Scalar) and entry.value.text == model.value.text for entry in others):
        return tree.without("model")
    fact = f'invalid model "{model.value.text}": "{others[0].key}" names another class'
    findings.problem(fact, model.value.origin, "Keep one of the two.")
    return tree.without("model")


def _one_pointer(tree: Table, findings: Findings) -> Table:
    """Bring ``run`` under the name that configurations use inside and in labels."""
    run = tree.get("run")
    if run is None:
        return tree
    if tree.get("predict"):
        findings.problem("invalid run: only one of run or predict can be set", run.origin, 'Keep "run".')
        tree = tree.without("predict")
    return tree.renamed("run", "predict")


def _name_to_image(tree: Table, findings: Findings) -> Table:
    name = tree.get("name")
    if name is None:
        return tree
    usable = isinstance(name.value, Scalar) and _IMAGE.fullmatch(name.value.text or "")
    if tree.get("image") or not usable:
        findings.note('"name" is of an earlier Cog and is ignored', name.origin)
        return tree.without("name")
    findings.note('"name" is the form of an earlier Cog; it is read as "image"', name.origin)
    return tree.renamed("name", "image")


def _workdir_to_top(tree: Table, build: Entry) -> Table:
    if not isinstance(build.value, Table) or not (inner := build.value.get("workdir")):
        return tree
    slimmer = attrs.evolve(build, value=build.value.without("workdir"))
    tree = tree.mapped(lambda entry: slimmer if entry.key == "build" else entry)
    return tree if tree.get("workdir") else attrs.evolve(tree, entries=(*tree.entries, inner))


def _without_examples(tree: Table, findings: Findings) -> Table:
    if examples := tree.get("examples"):
        findings.note('"examples" is of an earlier Cog; the examples are not run', examples.origin)
    return tree.without("examples")
