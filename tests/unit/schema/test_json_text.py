"""The document's JSON text, which is to equal upstream's byte for byte."""

from __future__ import annotations

from cog_core.schema import dumps


def test_a_document_on_several_lines_is_indented_as_go_does():
    document = {"a": [1, {"b": {}}], "c": [], "d": "<"}

    assert dumps(document, pretty=True) == (
        '{\n  "a": [\n    1,\n    {\n      "b": {}\n    }\n  ],\n  "c": [],\n  "d": "\\u003c"\n}'
    )
