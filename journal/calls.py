"""One POST to a partner's address: to that address alone, bounded in time and size.

No redirects, no proxies, no retries, no second address of the name: one connection of
urllib3 to the number that was checked, while TLS and Host go by the name.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from threading import Timer

from django.core.exceptions import ValidationError
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from journal import addresses

# Seconds: to connect, between two parts of an answer, and for all of it.
CONNECT, READ, ALL = 5, 10, 15
KEPT, MOST = 16 * 1024, 64 * 1024  # bytes of an answer: kept, and read at most


@dataclass(frozen=True)
class Answer:
    """What came back. `error` says in words why it is none, or not the wanted one."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    error: str = ""
    took_ms: int = 0


def post(
    address: str, body: str, headers: dict[str, str], *, loopback: Collection[str] = ()
) -> Answer:
    """Send a body and read the answer. Never raises: what went wrong is its `error`."""
    began = time.monotonic()
    try:
        place = addresses.read(address, loopback=loopback)
        number = addresses.found(place, loopback=loopback)
        status, got, text = _exchange(place, number, body.encode(), headers)
    except ValidationError as refusal:
        return Answer(error=refusal.messages[0])
    except addresses.Unsafe as refusal:
        return Answer(error=str(refusal), took_ms=_since(began))
    except (HTTPError, HTTPException, OSError, ValueError) as failure:
        return Answer(error=_words(failure, began), took_ms=_since(began))
    return Answer(
        status=status,
        headers=got,
        body=text,
        error=_complaint(status),
        took_ms=_since(began),
    )


def _exchange(place, number, body, headers):
    opened = socket.create_connection((number, place.port), CONNECT)
    with opened, opened.dup() as line, _no_longer_than(ALL, line):
        opened.settimeout(READ)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _connection(place, opened)
        try:
            connection.request(
                "POST",
                place.target,
                body,
                headers,
                preload_content=False,
                decode_content=False,
            )
            response = connection.getresponse()
            return response.status, _plain(response.headers), _text(response)
        finally:
            connection.close()


def _connection(place, opened: socket.socket) -> HTTPConnection:
    """HTTP over a socket that is open already; its certificate is the name's."""
    if place.scheme == "http":
        connection = HTTPConnection(place.host, place.port, timeout=READ)
        connection.sock = opened
        return connection
    connection = HTTPSConnection(place.host, place.port, timeout=READ)
    trust = ssl.create_default_context()
    connection.sock = trust.wrap_socket(opened, server_hostname=place.host)
    return connection


@contextlib.contextmanager
def _no_longer_than(seconds: float, line: socket.socket) -> Iterator[None]:
    """Hang up after so long, also on who sends a byte now and then."""
    watch = Timer(seconds, _hang_up, [line])
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _hang_up(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _text(response) -> str:
    """The answer's beginning; whatever comes after `MOST` bytes is not waited for."""
    read = b""
    while len(read) < MOST and (part := response.read1(MOST - len(read))):
        read += part
    return read[:KEPT].decode("utf-8", "replace").replace("\x00", "\ufffd")


def _plain(headers) -> dict[str, str]:
    """The first forty headers, short: they are kept with the attempt."""
    return {
        name[:100].replace("\x00", ""): value[:500].replace("\x00", "")
        for name, value in list(headers.items())[:40]
    }


def _complaint(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"It answered {status}: redirects are not followed."
    return f"It answered {status}."


def _words(failure: Exception, began: float) -> str:
    slow = isinstance(failure, TimeoutError) or time.monotonic() - began >= ALL
    if slow:
        return f"No whole answer within {ALL} seconds."
    return f"No answer: {failure}"[:400].replace("\x00", "\ufffd")


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
