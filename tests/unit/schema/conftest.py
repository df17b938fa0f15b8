"""Reads models from source that a test writes down."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cog_core.errors import Origin, Problem, SchemaError
from cog_core.schema import Mode, ModelSchema, check, read_model, to_openapi

if TYPE_CHECKING:
    from collections.abc import Mapping

IMPORTS = """\
import cog, enum, os, pathlib, typing
from cog import *
from typing import *
from dataclasses import dataclass
"""


class Models:
    """Writes source into a folder of its own and reads the model in it."""

    def read(
        self, source: str | bytes | Mapping[str, str | bytes], name: str = "run", mode: Mode = Mode.PREDICT
    ) -> ModelSchema:
        """Return the model ``model.py:run`` of some source; of several files, the first is the model's own."""
        files = source if isinstance(source, dict) else {"model.py": source}
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                file = Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(text if isinstance(text, bytes) else text.encode())
            reference = f"{next(iter(files))}:{name}"
            schema = read_model(Path(folder), reference, mode=mode, origin=Origin(file="cog.yaml"))
        assert all(warning.origin and warning.hint for warning in schema.warnings), schema.warnings
        return schema

    def document(self, source: str, **options: object) -> dict:
        """Return the document of ``model.py:run``, made sure of."""
        schema = self.read(source, **options)
        document = to_openapi(schema, version="0.22.0")
        check(document, schema)
        return document

    def input(self, annotation: str, default: str = "", before: str = "") -> dict:
        """Return the schema of one input, without its order and title."""
        value = f" = {default}" if default else ""
        document = self.document(f"{IMPORTS}{before}\ndef run(x: {annotation}{value}) -> str: ...")
        schemas = document["components"]["schemas"]
        found = schemas["Input"]["properties"]["x"]
        assert found.pop("x-order") == 0
        assert found.pop("title", "X") == "X"
        return {**found, **({"required": True} if schemas["Input"].get("required") else {})}

    def output(self, annotation: str, before: str = "", body: str = "...") -> dict:
        """Return the schema of the output, without its title."""
        document = self.document(f"{IMPORTS}{before}\ndef run() -> {annotation}: {body}")
        found = document["components"]["schemas"]["Output"]
        assert found.pop("title") == "Output"
        return found

    def refused(self, source: str | bytes | Mapping[str, str | bytes], **options: object) -> tuple[Problem, ...]:
        """Return what is said about a model that cannot be described; each has its place and a hint."""
        with pytest.raises(SchemaError) as caught:
            self.read(source, **options)
        for problem in caught.value.problems:
            assert problem.origin, problem
            assert problem.hint, problem
            assert not problem.message.endswith("."), problem
            assert problem.hint.endswith((".", "?", ")", "`")), problem
        return caught.value.problems

    def refused_input(self, annotation: str, default: str = "", before: str = "") -> str:
        """Return the one message about an input."""
        value = f" = {default}" if default else ""
        (problem,) = self.refused(f"{IMPORTS}{before}\ndef run(x: {annotation}{value}) -> str: ...")
        assert problem.origin.line
        return problem.message

    def refused_output(self, annotation: str, before: str = "") -> str:
        """Return the one message about the output."""
        (problem,) = self.refused(f"{IMPORTS}{before}\ndef run() -> {annotation}: ...")
        assert problem.origin.line
        return problem.message


@pytest.fixture(scope="session")
def models() -> Models:
    return Models()
