"""Is it alive, and may it be given visitors?"""

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import JsonResponse
from kombu.exceptions import OperationalError

from config.celery import app as celery


class HealthMiddleware:
    """Answer /healthz and /readyz before host checks, redirects and sessions, because
    a balancer asks by address and in plain HTTP.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        self.answers = {"/healthz": alive, "/readyz": ready}

    def __call__(self, request):
        answer = self.answers.get(request.path)
        return answer() if answer else self.get_response(request)


def alive():
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "alive"})


def ready():
    """The database answers and has every migration; the broker's absence is told, but
    turns nobody away, because nothing that matters depends on it.
    """
    checks = {"database": _database(), "broker": _broker()}
    good = checks["database"] == "ok"
    return JsonResponse(
        {"status": "ready" if good else "not ready"} | checks,
        status=200 if good else 503,
    )


def _database():
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "unreachable"
    return f"{len(pending)} migrations to apply" if pending else "ok"


def _broker():
    if settings.CELERY_BROKER_URL.startswith("filesystem:"):
        return "ok"
    try:
        with celery.connection_for_write(connect_timeout=1) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=1)
    except (OSError, OperationalError):
        return "unreachable"
    return "ok"
