"""The part of the OpenAPI document that is the same for all models: routes, requests and responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from cog_core.schema.model import Mode
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

Document: TypeAlias = "dict[str, Any]"

_VERSION: Final = "3.0.2"


@attrs.frozen
class Words(Frozen):
    """The words in which a document for predictions and one for trainings differ.

    Attributes:
        noun: What is made, in routes and parameters.
        verb: What the model does.
        shapes: Prefix of the components for input and output.
    """

    noun: str
    verb: str
    shapes: str

    def component(self, word: str) -> str:
        """Return the name of a component: ``PredictionRequest``, ``Input``, ``TrainingInput``."""
        return f"{self.shapes if word in {'Input', 'Output'} else self.noun.capitalize()}{word}"

    @property
    def components(self) -> tuple[str, ...]:
        """The names of all components of the document that are no choices."""
        own = tuple(map(self.component, ("Input", "Output", "Request", "Response")))
        return (*own, "Status", "HTTPValidationError", "ValidationError")


WORDS: Final[Mapping[Mode, Words]] = {
    Mode.PREDICT: Words("prediction", "predict", ""),
    Mode.TRAIN: Words("training", "train", "Training"),
}


def reference(component: str) -> Document:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{component}"}


def document(
    words: Words, body: Document, output: Document, enums: Mapping[str, Document], *, streaming: bool, version: str
) -> Document:
    """Return a whole document around the schemas of a model's input and output.

    Args:
        words: What the model does.
        body: The schema of the input.
        output: The schema of the output.
        enums: More components, by name.
        streaming: Output can be had as server-sent events.
        version: The Cog version that the document names.
    """
    components = {
        words.component("Input"): body,
        words.component("Output"): output,
        **enums,
        words.component("Request"): _request(words),
        words.component("Response"): _response(words),
        "Status": _STATUS,
        "HTTPValidationError": _HTTP_VALIDATION_ERROR,
        "ValidationError": _VALIDATION_ERROR,
    }
    return {
        "openapi": _VERSION,
        "info": {"title": "Cog", "version": version},
        "paths": _paths(words, streaming=streaming),
        "components": {"schemas": components},
    }


def _paths(words: Words, *, streaming: bool) -> Document:
    noun, verb = words.noun, words.verb
    call = {
        "summary": verb.capitalize(),
        "description": f"Run a single {noun} on the model",
        "operationId": f"{verb}_{noun}s_post",
        "requestBody": _json(reference(words.component("Request"))),
        "responses": _responses(reference(words.component("Response")), refuses=True),
        **({"x-cog-streaming": True} if streaming else {}),
    }
    identifier = {"title": f"{noun.capitalize()} Id", "type": "string"}
    cancel = {
        "summary": "Cancel",
        "operationId": f"cancel_{noun}s__{noun}_id__cancel_post",
        "parameters": [{"in": "path", "name": f"{noun}_id", "required": True, "schema": identifier}],
        "responses": _responses({}, refuses=True),
    }
    return {
        "/": {"get": {"summary": "Root", "operationId": "root__get", "responses": _responses({})}},
        "/health-check": {
            "get": {
                "summary": "Healthcheck",
                "operationId": "healthcheck_health_check_get",
                "responses": _responses({}),
            }
        },
        f"/{noun}s": {"post": call},
        f"/{noun}s/{{{noun}_id}}/cancel": {"post": cancel},
    }


def _json(schema: Document) -> Document:
    return {"content": {"application/json": {"schema": schema}}}


def _responses(schema: Document, *, refuses: bool = False) -> Document:
    found = {"200": {**_json(schema), "description": "Successful Response"}}
    if refuses:
        found["422"] = {**_json(reference("HTTPValidationError")), "description": "Validation Error"}
    return found


def _request(words: Words) -> Document:
    properties = {"id": _text("Id"), "input": reference(words.component("Input"))}
    return {"title": words.component("Request"), "type": "object", "properties": properties}


def _response(words: Words) -> Document:
    properties = {
        "completed_at": _time("Completed At"),
        "created_at": _time("Created At"),
        "error": _text("Error"),
        "id": _text("Id"),
        "input": reference(words.component("Input")),
        "logs": _text("Logs"),
        "metrics": {"title": "Metrics", "type": "object"},
        "output": reference(words.component("Output")),
        "started_at": _time("Started At"),
        "status": _text("Status"),
        "version": _text("Version"),
    }
    return {"title": words.component("Response"), "type": "object", "properties": properties}


def _text(title: str) -> Document:
    return {"title": title, "type": "string"}


def _time(title: str) -> Document:
    return {"title": title, "type": "string", "format": "date-time"}


_STATUS: Final[Document] = {
    "title": "Status",
    "description": "An enumeration.",
    "enum": ["starting", "processing", "succeeded", "canceled", "failed"],
    "type": "string",
}
_HTTP_VALIDATION_ERROR: Final[Document] = {
    "title": "HTTPValidationError",
    "type": "object",
    "properties": {"detail": {"title": "Detail", "type": "array", "items": reference("ValidationError")}},
}
_VALIDATION_ERROR: Final[Document] = {
    "title": "ValidationError",
    "type": "object",
    "required": ["loc", "msg", "type"],
    "properties": {
        "loc": {"title": "Location", "type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
        "msg": {"title": "Message", "type": "string"},
        "type": {"title": "Error Type", "type": "string"},
    },
}
