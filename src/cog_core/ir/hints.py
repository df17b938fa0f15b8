"""The fields of plan values with their types as real types, for those who read or describe plans."""

from __future__ import annotations

import sys
from typing import Any

import attrs

from cog_core import errors, values
from cog_core.ir import plan, steps


def hints(kind: type[Any]) -> dict[str, Any]:
    """Return the types of a class's fields by name, in the order of the fields."""
    names = {**vars(values), **vars(errors), **vars(steps), **vars(plan), **vars(sys.modules[kind.__module__])}
    resolved = attrs.resolve_types(kind, globalns=names)
    return {field.name: field.type for field in attrs.fields(resolved)}
