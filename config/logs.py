"""Logs: one JSON object a line, each with the id of the request that caused it."""

import logging
import logging.config
import re
import time
import uuid
from contextvars import ContextVar

from celery import signals
from pythonjsonlogger.json import JsonFormatter

request_id: ContextVar[str] = ContextVar("request_id", default="-")
access = logging.getLogger("access")
GIVEN_ID = re.compile(r"[\w.-]{8,64}")


class RequestIdMiddleware:
    """Name each request, log it once when it is answered, tell the name to whoever
    asked. A proxy's X-Request-ID is kept, so that one name follows it everywhere.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get("X-Request-ID", "")
        request.id = given if GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(request.id)
        began = time.monotonic()
        try:
            response = self.get_response(request)
            response.headers["X-Request-ID"] = request.id
            access.info(
                "%s %s %s",
                request.method,
                request.path,
                response.status_code,
                extra={
                    "method": request.method,
                    "path": request.path,
                    "status": response.status_code,
                    "milliseconds": round((time.monotonic() - began) * 1000),
                },
            )
        finally:
            request_id.reset(token)
        return response


class RequestIdFilter(logging.Filter):
    """Give every record the id of the request, or of the task, it belongs to."""

    def filter(self, record):
        asked = getattr(record, "request", None)
        record.request_id = getattr(asked, "id", None) or request_id.get()
        return True


class JsonLines(JsonFormatter):
    """Moment, level, logger, words and whatever else the record carries."""

    def __init__(self):
        super().__init__(
            "{asctime}{levelname}{name}{message}{request_id}",
            style="{",
            rename_fields={"asctime": "at", "levelname": "level", "name": "logger"},
            datefmt="%Y-%m-%dT%H:%M:%S%z",
            reserved_attrs=[*RESERVED, "request", "server_time", "taskName"],
        )


RESERVED = [*vars(logging.makeLogRecord({})), "asctime", "message"]


def configure(config):
    """Set the logging up, and let a task's records carry its id."""
    logging.config.dictConfig(config)
    signals.task_prerun.connect(_name_task, weak=False, dispatch_uid="logs")


def _name_task(task_id=None, **kwargs):
    request_id.set(task_id or "-")
