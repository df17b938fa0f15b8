"""The whole of a server's API as an OpenAPI document: what a model's own document says, and all other routes.

The document that an image serves describes upstream's routes and their usual answers only (its form is upstream's,
to the letter). An attack needs every route, every header that changes an answer, and every status that is documented.
"""

from __future__ import annotations

import copy
from typing import Any

Document = dict[str, Any]

_EMPTY: Document = {"description": "no body"}
_TEXT: Document = {"description": "text", "content": {"text/plain; version=0.0.4; charset=utf-8": {}}}
_PAGE: Document = {"description": "a page", "content": {"text/html; charset=utf-8": {}}}
_ANY: Document = {"description": "JSON", "content": {"application/json": {"schema": {"type": "object"}}}}
_ROOT: Document = {"description": "a page or JSON", "content": {**_ANY["content"], **_PAGE["content"]}}
_ERROR: Document = {
    "description": "an error",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {"error": {"type": "string"}},
            }
        }
    },
}
_INVALID: Document = {
    "description": "what is wrong with the request",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}},
}
_ACCEPTED: Document = {
    "description": "it has begun",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["id", "status"],
                "properties": {"id": {"type": "string"}, "status": {"enum": ["starting", "processing"]}},
            }
        }
    },
}
_LIST: Document = {
    "description": "those that run, and those that are remembered",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["results"],
                "properties": {
                    "results": {
                        "type": "array",
                        "items": {"type": "object", "required": ["id", "status"]},
                    }
                },
            }
        }
    },
}
_REFUSALS: Document = {
    **{str(status): _ERROR for status in (400, 406, 409, 413, 415, 429)},
    "422": _INVALID,
}
_HEADERS: list[Document] = [
    {"in": "header", "name": "Prefer", "schema": {"type": "string", "enum": ["respond-async", "wait", ""]}},
    {"in": "header", "name": "Accept", "schema": {"type": "string", "enum": ["*/*", "text/event-stream"]}},
    {"in": "header", "name": "traceparent", "schema": {"type": "string", "pattern": "^[ -~]{0,80}$"}},
    {"in": "header", "name": "X-Request-Id", "schema": {"type": "string", "pattern": "^[ -~]{0,80}$"}},
]
_ELSEWHERE: Document = {str(status): {"description": "no id: another route"} for status in (404, 405)}
"""Links between routes make requests for predictions whose id is empty, which the schema excludes."""
_TERMINAL = ["succeeded", "failed", "canceled"]


def whole(model: Document, *, webhook: str) -> Document:
    """Return the document of all routes.

    Args:
        model: What ``/openapi.json`` says.
        webhook: The one receiver that requests may name; it must be on this machine.
    """
    found = copy.deepcopy(model)
    schemas: Document = found["components"]["schemas"]
    nouns = [noun for noun in ("prediction", "training") if f"{noun.capitalize()}Request" in schemas]
    for noun in nouns:
        _ask_for_more(schemas[f"{noun.capitalize()}Request"], webhook)
        _promise_more(schemas[f"{noun.capitalize()}Response"])
    found["paths"] = {
        **{path: routes for noun in nouns for path, routes in _calls(noun).items()},
        "/": {"get": {"responses": {"200": _ROOT}}},
        "/health-check": {"get": {"responses": {"200": _ANY}}},
        "/openapi.json": {"get": {"responses": {"200": _ANY}}},
        "/docs": {"get": {"responses": {"200": _PAGE}}},
        "/livez": {"get": {"responses": {"200": _EMPTY}}},
        "/readyz": {"get": {"responses": {"200": _EMPTY}}},
        "/metrics": {"get": {"responses": {"200": _TEXT}}},
    }
    return found


def _ask_for_more(request: Document, webhook: str) -> None:
    request["properties"] |= {
        "webhook": {"type": "string", "enum": [webhook]},
        "webhook_events_filter": {
            "type": "array",
            "items": {"type": "string", "enum": ["start", "output", "logs", "completed"]},
        },
        "timeout": {"type": "number", "exclusiveMinimum": True, "minimum": 0, "maximum": 1_000_000},
        "context": {"type": "object", "additionalProperties": {"type": "string"}},
    }


def _promise_more(response: Document) -> None:
    response["required"] = ["id", "status", "logs", "metrics"]
    response["properties"]["status"] = {"type": "string", "enum": ["starting", "processing", *_TERMINAL]}


def _calls(noun: str) -> Document:
    kind = noun.capitalize()
    identity = {"in": "path", "name": f"{noun}_id", "required": True, "schema": {"type": "string", "minLength": 1}}
    answer = {
        "description": "its state; as server-sent events where they were asked for",
        "content": {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{kind}Response"}},
            "text/event-stream": {},
        },
    }
    body = {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind}Request"}}}}
    create = {
        "parameters": _HEADERS,
        "requestBody": body,
        "responses": {"200": answer, "202": _ACCEPTED, **_REFUSALS},
    }
    wait = {"in": "query", "name": "wait", "schema": {"type": "number", "minimum": 0, "maximum": 0.1}}
    return {
        f"/{noun}s": {"post": create, "get": {"responses": {"200": _LIST}}},
        f"/{noun}s/{{{noun}_id}}": {
            "put": {
                **create,
                "parameters": [identity, *_HEADERS],
                "responses": {**create["responses"], **_ELSEWHERE},
            },
            "get": {"parameters": [identity, wait], "responses": {"200": answer, **_ELSEWHERE}},
        },
        f"/{noun}s/{{{noun}_id}}/cancel": {
            "post": {"parameters": [identity], "responses": {"200": _ANY, **_ELSEWHERE}},
        },
    }
