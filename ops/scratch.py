"""A database of its own for measurements and fault runs, on whatever server there is."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from ops import postgres, services, variables


@contextmanager
def database(name: str) -> Iterator[dict[str, str]]:
    """An empty, migrated database, dropped afterwards: the environment that names it."""
    server = None
    url = os.environ.get("DATABASE_URL") or services.postgres()
    if not url:
        server = postgres.start(variables.VAR / "postgres-scratch", durable=False)
        url = server.url()
    try:
        _recreate(url, name)
        parts = urlsplit(url)
        env = variables.environment() | {
            "DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}")),
            "ENVIRONMENT": "local",
        }
        env.pop("DATABASE_OWNER_URL", None)
        subprocess.run(
            variables.manage("migrate", "--verbosity", "0", "--skip-checks"),
            env=env,
            check=True,
        )
        yield env
        _drop(url, name)
    finally:
        if server:
            server.stop()


def _recreate(url: str, name: str) -> None:
    _drop(url, name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _drop(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
                sql.Identifier(name)
            )
        )
