"""Whole documents, compared with those that were read and found right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, validate

from cog_core.schema import Mode, check, dumps, read_model, to_openapi

MODELS = Path(__file__).parent / "models"
VERSION = "0.22.0"

PREDICTIONS = {
    "hello": "hello.py:Runner",
    "constraints": "constraints.py:Predictor",
    "choices": "choices.py:Predictor",
    "files": "files.py:run",
    "containers": "containers.py:run",
    "optional": "optional.py:run",
    "tokens": "tokens.py:Runner",
    "frames": "frames.py:Predictor",
    "record": "record.py:Predictor",
    "outputs": "outputs.py:run",
    "decorated": "decorated.py:Model",
    "undeclared": "undeclared.py:Model",
    "shared": "shared.py:Runner",
    "collision": "collision.py:run",
    "package": "package/predict.py:Predictor",
}


def _compare(golden, name, document, *schemas):
    check(document, *schemas)
    validate(document, cls=OpenAPIV30SpecValidator)
    assert json.loads(dumps(document)) == document
    golden(f"openapi/{name}.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("name", PREDICTIONS)
def test_the_document_of_a_model_is_as_expected(name, golden):
    schema = read_model(MODELS, PREDICTIONS[name], mode=Mode.PREDICT)

    _compare(golden, name, to_openapi(schema, version=VERSION), schema)


def test_the_document_of_a_training_is_as_expected(golden):
    schema = read_model(MODELS, "trainer.py:train", mode=Mode.TRAIN)

    _compare(golden, "training", to_openapi(schema, version=VERSION), schema)


def test_prediction_and_training_share_a_document_with_sorted_keys(golden):
    predict = read_model(MODELS, "trainer.py:Predictor", mode=Mode.PREDICT)
    train = read_model(MODELS, "trainer.py:train", mode=Mode.TRAIN)

    document = to_openapi(predict, train=train, version=VERSION)

    assert dumps(document) == json.dumps(document, sort_keys=True, separators=(",", ":"))
    _compare(golden, "both", document, predict, train)


def test_a_document_is_written_byte_for_byte_as_upstream_does(golden):
    schema = read_model(MODELS, "hello.py:Runner", mode=Mode.PREDICT)

    golden("openapi/hello.compact.json", dumps(to_openapi(schema, version=VERSION)))


def test_reading_a_model_leaves_no_trace_in_the_project(tmp_path):
    source = tmp_path / "model.py"
    source.write_text("open('ran', 'w')\ndef run(x: str) -> str: ...")

    read_model(tmp_path, "model.py:run", mode=Mode.PREDICT)

    assert list(tmp_path.iterdir()) == [source]
