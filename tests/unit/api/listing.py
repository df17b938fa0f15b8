"""The public interface as lines of text, read from the source by griffe; nothing is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterator

SRC: Final = Path(__file__).resolve().parents[3] / "src"

PUBLIC: Final = {
    "Calling Cog": ("cog_core", "cog_core.predictions", "cog_core.results", "cog_core.settings", "cog_core.values"),
    "What happens": ("cog_core.errors", "cog_core.events"),
    "Plugins": ("cog_core.plugins", "cog_core.plugins.hooks", "cog_core.planner", "cog_core.resolve"),
    "Plans": ("cog_core.ir", "cog_core.ir.steps", "cog_core.ir.lower", "cog_core.ir.dockerfile"),
    "Backends": (
        "cog_core.backend",
        "cog_core.buildkit_progress",
        "cog_core.caches",
        "cog_core.clock",
        "cog_core.context",
        "cog_core.gpus",
        "cog_core.image_failures",
        "cog_core.image_store",
        "cog_core.layering",
        "cog_core.layouts",
        "cog_core.plain_names",
        "cog_core.process",
        "cog_core.staging",
        "cog_core.telling",
    ),
    "Tests of backends": ("cog_core.testing", "cog_core.testing.contract"),
    "Images in folders": (
        "cog_oci.canonical",
        "cog_oci.entries",
        "cog_oci.errors",
        "cog_oci.images",
        "cog_oci.lay_out",
        "cog_oci.layout",
        "cog_oci.manifest",
        "cog_oci.media",
        "cog_oci.reference",
        "cog_oci.tree",
    ),
    "In models": ("cog",),
}
"""Modules by what they are for; every name in them without an underscore is public, or those in ``__all__``."""

_KINDS = griffe.ParameterKind


class Interface:
    """All public modules, read once."""

    def __init__(self) -> None:
        self._loader = griffe.GriffeLoader(search_paths=[SRC], allow_inspection=False)
        for package in ("cog", "cog_core", "cog_oci"):
            self._loader.load(package)
        self._loader.resolve_aliases(implicit=True, external=False)

    def modules(self) -> list[str]:
        """Return the names of all public modules."""
        return [name for names in PUBLIC.values() for name in names]

    def summary(self, module: str) -> str:
        """Return the first sentence of a module's docstring."""
        docstring = self._module(module).docstring
        text = docstring.value.partition("\n\n")[0] if docstring else ""
        return " ".join(text.split()).partition(". ")[0].rstrip(".:")

    def names(self, module: str) -> list[str]:
        """Return the public names of a module."""
        found = self._module(module)
        if found.exports is not None:
            return sorted(map(str, found.exports))
        members = found.members.items()
        return sorted(name for name, each in members if not name.startswith("_") and not each.is_alias)

    def lines(self) -> Iterator[str]:
        """Yield a line for each public name, with its signature, and one for each member of a class."""
        for module in self.modules():
            for name in self.names(module):
                found = self._target(module, name)
                home = found.path.rpartition(".")[0] if found else module
                if home != module and home in self.modules():
                    yield f"{module}.{name} = {home}.{name}"
                else:
                    yield from _described(f"{module}.{name}", found)

    def _module(self, name: str) -> griffe.Module:
        found = self._loader.modules_collection[name]
        assert isinstance(found, griffe.Module)
        return found

    def _target(self, module: str, name: str) -> griffe.Object | None:
        """Return what a name means; None for one that comes into being when it is asked for."""
        found = self._module(module).members.get(name)
        if found is None:
            return None
        return found.final_target if isinstance(found, griffe.Alias) else found


def _described(path: str, found: griffe.Object | None) -> Iterator[str]:
    match found:
        case griffe.Function():
            yield f"{path}{_signature(found)}"
        case griffe.Class():
            bases = ", ".join(map(str, found.bases))
            yield f"{path}({bases})" if bases else path
            for name, member in sorted(found.members.items()):
                if not name.startswith("_") and not member.is_alias:
                    yield from _described(f"{path}.{name}", member)  # type: ignore[arg-type]
        case griffe.Attribute():
            yield f"{path}: {found.annotation}" if found.annotation else path
        case griffe.Module():
            yield f"{path} (module)"
        case _:
            yield path


def _signature(function: griffe.Function) -> str:
    words = []
    seen_star = False
    for parameter in function.parameters:
        if parameter.kind is _KINDS.keyword_only and not seen_star:
            words.append("*")
            seen_star = True
        words.append(_parameter(parameter))
        seen_star |= parameter.kind is _KINDS.var_positional
    if function.labels & {"property", "cached"}:
        return f": {function.returns}"
    return f"({', '.join(words)}) -> {function.returns}"


def _parameter(parameter: griffe.Parameter) -> str:
    stars = {_KINDS.var_positional: "*", _KINDS.var_keyword: "**"}.get(parameter.kind, "")
    annotation = f": {parameter.annotation}" if parameter.annotation else ""
    is_given = parameter.default is not None and not stars
    return f"{stars}{parameter.name}{annotation}" + (f" = {parameter.default}" if is_given else "")
