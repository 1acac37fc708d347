"""The services of this machine that tests may use, found by asking them."""

import hashlib
import os
import socket

import psycopg

from ops.environment import ROOT

POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
BROKERS = {
    "TEST_RABBITMQ_URL": ("amqp://guest:guest@127.0.0.1:5672//", 5672),
    "TEST_REDIS_URL": ("redis://127.0.0.1:6379/9", 6379),
}


def postgres() -> str | None:
    """A database of this checkout's own on the machine's server, if we rule there."""
    if not _wanted():
        return None
    name = f"appconnect_{hashlib.sha256(bytes(ROOT)).hexdigest()[:8]}"
    try:
        with psycopg.connect(POSTGRES, connect_timeout=2, autocommit=True) as server:
            if server.info.server_version < 150000:
                return None
            rules = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
            if not server.execute(rules).fetchone()[0]:
                return None
            there = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)"
            if not server.execute(there, [name]).fetchone()[0]:
                server.execute(f"CREATE DATABASE {name}")
    except psycopg.OperationalError:
        return None
    return POSTGRES.removesuffix("postgres") + name


def brokers() -> dict[str, str]:
    """RabbitMQ and Redis, where they listen; a given address is taken as it is."""
    found = {name: os.environ[name] for name in BROKERS if os.environ.get(name)}
    if _wanted():
        for name, (url, port) in BROKERS.items():
            if name not in found and _listens(port):
                found[name] = url
    return found


def _wanted() -> bool:
    return os.environ.get("USE_MACHINE_SERVICES", "1") == "1"


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True
