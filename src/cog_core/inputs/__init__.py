"""Inputs as people type them, turned into what the model's schema asks for, and checked before anything starts."""

from cog_core.inputs.check import check
from cog_core.inputs.fields import InputSchema
from cog_core.inputs.parse import data_url, from_json, from_pairs

__all__ = ["InputSchema", "check", "data_url", "from_json", "from_pairs"]
