"""The OpenAPI document: what drf-spectacular cannot see by itself."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension

PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "What happened, and what to do."},
        "status": {"type": "integer"},
        "code": {
            "type": "string",
            "description": "The rule's code; it does not change.",
        },
        "clause": {
            "type": "string",
            "pattern": "^T[0-9]+$",
            "description": "The clause of the purchase terms behind the rule.",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {
                    "field": {"type": "string", "description": "As users.3.email."},
                    "message": {"type": "string"},
                    "code": {"type": "string"},
                    "row": {"type": "integer", "description": "From 0, in its list."},
                    "value": {"type": "string", "description": "What the row said."},
                },
            },
        },
        "effect": {
            "allOf": [{"$ref": "#/components/schemas/Effect"}],
            "description": "What the purchase would do now (effect_changed).",
        },
    },
}
REFUSALS = {
    "400": "The request cannot be read, or a field needs another value.",
    "401": "No key, or one that opens nothing.",
    "403": "The key lacks the scope, or its person the authority.",
    "404": "Nothing is here, or it is not yours.",
    "405": "This address does not answer that method.",
    "406": "This address does not answer in that format.",
    "409": "Something else happened meanwhile: read again, then decide.",
    "422": "A rule refuses it; code and clause say which.",
    "429": "Too many calls: wait as long as Retry-After says.",
}
UNSAFE_REFUSALS = {
    "412": "It changed since you read it (If-Match).",
    "415": "Send application/json.",
    "428": "Send If-Match with the ETag that you read.",
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 100,
        "pattern": "^[!-~]+$",
    },
    "description": "Names this call. The same key and body get the same answer again.",
}
METHODS = {"get", "post", "put", "patch", "delete"}


class KeyScheme(OpenApiAuthenticationExtension):
    """How a key is sent."""

    target_class = "accounts.api_doors.ByKey"
    name = "key"

    def get_security_definition(self, auto_schema):
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key from the console, all of it: what begins with ak_.",
        }


def complete(result, generator, request, public):
    """Give every operation its summary, its ways to refuse, and the idempotency key."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for operations in result["paths"].values():
        for method, operation in operations.items():
            if method in METHODS:
                _complete(method, operation)
    return result


def _complete(method: str, operation: dict) -> None:
    said = " ".join(operation.get("description", "").split())
    operation.setdefault("summary", _first_sentence(said))
    refusals = REFUSALS | (UNSAFE_REFUSALS if method != "get" else {})
    problem = {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    for status, description in refusals.items():
        known = operation["responses"].setdefault(status, {"description": description})
        known["content"] = known.get("content", {}) | problem
    if method != "get":
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)


def _first_sentence(said: str) -> str:
    return said.partition(". ")[0].removesuffix(".")
