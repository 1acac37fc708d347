"""What every API answer has in common."""

from django.core.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler


def refusal_handler(error, context):
    """Say no in one voice: a rule's refusal becomes problem details (RFC 9457)."""
    if isinstance(error, ValidationError):
        problem = {
            "title": " ".join(error.messages),
            "code": getattr(error, "code", None),
            "status": 422,
        }
        return Response(problem, 422, content_type="application/problem+json")
    return exception_handler(error, context)
