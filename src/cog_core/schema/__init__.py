"""What a model takes and returns, read from its source without running it, and as an OpenAPI document."""

from cog_core.schema.check import check
from cog_core.schema.model import Default, InputField, Mode, ModelSchema
from cog_core.schema.openapi import to_openapi
from cog_core.schema.read import read_model
from cog_core.schema.shapes import (
    Choice,
    Field,
    ListOf,
    MapOf,
    Nullable,
    OneOf,
    Record,
    Scalar,
    Shape,
    Stream,
    TupleOf,
)
from cog_core.schema.text import dumps

__all__ = [
    "Choice",
    "Default",
    "Field",
    "InputField",
    "ListOf",
    "MapOf",
    "Mode",
    "ModelSchema",
    "Nullable",
    "OneOf",
    "Record",
    "Scalar",
    "Shape",
    "Stream",
    "TupleOf",
    "check",
    "dumps",
    "read_model",
    "to_openapi",
]
