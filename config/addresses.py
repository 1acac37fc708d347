"""Service addresses, as operators write them, turned into Django's settings."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def database(url: str) -> dict:
    """Read postgres://user:password@host:port/name?option=value.

    A socket folder goes into the query: postgres:///name?host=/run/postgresql
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            "DATABASE_URL must begin with postgres://, because PostgreSQL is the "
            f"only database this product runs on; it begins with {parts.scheme!r}."
        )
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or options.pop("user", "")),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": str(parts.port or options.pop("port", "")),
        "OPTIONS": options,
    }


def mail(url: str) -> dict:
    """Read smtp://user:password@host:port; smtps:// is TLS from the first byte,
    smtp://…?tls=1 is STARTTLS.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"}:
        raise ImproperlyConfigured(
            "EMAIL_URL must begin with smtp:// or smtps://; leave it out to write "
            "mails to files."
        )
    implicit = parts.scheme == "smtps"
    starttls = dict(parse_qsl(parts.query)).get("tls") == "1"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or (465 if implicit else 587 if starttls else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit,
        "EMAIL_USE_TLS": starttls,
        "EMAIL_TIMEOUT": 10,
    }


def broker_options(url: str, *, folder: Path) -> dict:
    """What the transport needs beside its address.

    The filesystem transport gets its folders; one folder is both in and out, because
    every producer and worker is on this machine.
    """
    if not url.startswith("filesystem:"):
        # Who publishes asks a broker that is down once: a click waits for the answer.
        once = {"max_retries": 0}
        return once | {"socket_timeout": 5, "socket_connect_timeout": 2}
    queue, control = folder / "queue", folder / "control"
    for path in (queue, control):
        path.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(queue),
        "data_folder_out": str(queue),
        "control_folder": str(control),
    }


def loopback(places: str) -> list[str]:
    """Read places of this machine, as 127.0.0.1:8790, with spaces between."""
    for place in places.split():
        if not re.fullmatch(r"127(\.\d{1,3}){3}:\d{1,5}", place):
            raise ImproperlyConfigured(
                "WEBHOOK_LOOPBACK_ALLOWED lists places like 127.0.0.1:8790; it has"
                f" {place!r}."
            )
    return places.split()


def cache(url: str) -> dict:
    """Read redis://host:port/number, file:///folder, or memory:// (of one process)."""
    parts = urlsplit(url)
    backends = {
        "redis": "redis.RedisCache",
        "rediss": "redis.RedisCache",
        "file": "filebased.FileBasedCache",
        "memory": "locmem.LocMemCache",
    }
    if parts.scheme not in backends:
        raise ImproperlyConfigured(
            "CACHE_URL must begin with redis://, rediss://, file:// or memory://."
        )
    location = {"file": unquote(parts.path), "memory": ""}.get(parts.scheme, url)
    return {
        "BACKEND": f"django.core.cache.backends.{backends[parts.scheme]}",
        "LOCATION": location,
    }
