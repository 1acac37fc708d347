"""Two people, or a person and the hourly run, who wait for each other: PostgreSQL sends
one of them back, with nothing written. That is no fault of ours to hide, and no 500.
"""

from django.db import OperationalError
from django.shortcuts import render

DEADLOCK, LOCK_NOT_AVAILABLE, SERIALIZATION = "40P01", "55P03", "40001"


class BusyMiddleware:
    """Answer 409 to whom PostgreSQL sent back, and say that trying again will do."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, error):
        if isinstance(error, OperationalError) and sent_back(error):
            return render(request, "409.html", status=409)
        return None


def sent_back(error: OperationalError) -> bool:
    """Whether PostgreSQL ended a wait, with nothing written."""
    state = getattr(error.__cause__, "sqlstate", None)
    return state in {DEADLOCK, LOCK_NOT_AVAILABLE, SERIALIZATION}
