"""The database and its two roles: the owner migrates, the application works.

The application's role may do everything to ordinary tables, and to append-only ones
nothing but read and insert; it owns none of them.
`python -m ops.database` migrates and grants again, as an operator does at each release.
"""

import os
import subprocess
import sys
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from ops import variables
from ops.postgres import Server

NAME = "appconnect"
OWNER = "appconnect_owner"
APPLICATION = "appconnect"

IS_EMPTY = "SELECT NOT EXISTS (SELECT FROM accounts_account)"


def on(server: Server) -> dict[str, str]:
    """Create the database and its two roles on an embedded server, where missing."""
    urls = {}
    with psycopg.connect(server.url(), autocommit=True) as database:
        for variable, role in [
            ("DATABASE_OWNER_URL", OWNER),
            ("DATABASE_URL", APPLICATION),
        ]:
            password = variables.secret(f"{role.upper()}_PASSWORD")
            _role(database, role, password)
            urls[variable] = server.url(NAME, user=role, password=password)
        if not _there(database, "pg_database", "datname", NAME):
            database.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(NAME), sql.Identifier(OWNER)
                )
            )
    variables.keep(**urls)
    return urls


def elsewhere(env: dict[str, str]) -> dict[str, str]:
    """The addresses of a database that somebody else runs.

    Where only one is given and its role may create roles, the application gets a role
    of its own; otherwise the application works as the owner, and that is said.
    """
    url = env["DATABASE_URL"]
    owner_url = env.get("DATABASE_OWNER_URL") or url
    check(owner_url)
    if owner_url == url:
        url = _application_url(owner_url) or url
    else:
        check(url)
    return {"DATABASE_URL": url, "DATABASE_OWNER_URL": owner_url}


def check(url: str) -> None:
    """Say what to do when the server does not answer, or is too old."""
    try:
        with psycopg.connect(url, connect_timeout=5) as database:
            version = database.info.server_version
    except psycopg.OperationalError as error:
        parts = urlsplit(url)
        sys.exit(
            f"The database {parts.path[1:]!r} at {parts.hostname or 'the local socket'}"
            f":{parts.port or 5432} does not answer:\n  {str(error).strip()}\n"
            "Start that server or correct DATABASE_URL; without DATABASE_URL `make "
            "run` brings a PostgreSQL of its own."
        )
    if version < 150000:
        sys.exit(f"PostgreSQL 15 or newer is needed; this is {version // 10000}.")


def migrate(env: dict[str, str]) -> None:
    """Bring the tables up to date as their owner, then grant."""
    owner_url = env.get("DATABASE_OWNER_URL") or env["DATABASE_URL"]
    subprocess.run(
        variables.manage("migrate", "--verbosity", "0"),
        env=env | {"DATABASE_URL": owner_url},
        check=True,
    )
    grant(owner_url, role=unquote(urlsplit(env["DATABASE_URL"]).username or ""))


def grant(owner_url: str, *, role: str) -> None:
    """Give the application's role its rights; safe to repeat after each migration."""
    append_only = _append_only_tables()
    with psycopg.connect(owner_url) as database:
        if role in {"", database.info.user}:
            return
        who = sql.Identifier(role)
        for right in (
            "USAGE ON SCHEMA public",
            "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public",
            "USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public",
        ):
            database.execute(sql.SQL(f"GRANT {right} TO {{}}").format(who))
        for table in [*append_only, "django_migrations"]:
            database.execute(
                sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(
                    sql.Identifier(table), who
                )
            )


def is_empty(env: dict[str, str]) -> bool:
    """Whether nobody has an account yet."""
    with psycopg.connect(env["DATABASE_URL"]) as database:
        return database.execute(IS_EMPTY).fetchone()[0]


def _append_only_tables() -> list[str]:
    from config.settings import APPEND_ONLY_TABLES

    return APPEND_ONLY_TABLES


def _application_url(owner_url: str) -> str | None:
    """Create the application's role beside the given one, if that is allowed."""
    parts = urlsplit(owner_url)
    role = f"{unquote(parts.path[1:])}_application"
    password = variables.secret("APPLICATION_PASSWORD")
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=f"{role}:{quote(password)}@{host}"))
    try:
        with psycopg.connect(owner_url, autocommit=True) as database:
            _role(database, role, password)
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as error:
        print(
            f"WARNING: the application has no database role of its own, because "
            f"{str(error).strip()}\n"
            "  It works as the owner of its tables: orders, charges and activity are "
            "then protected by triggers alone.\n"
            f"  To mend it, have an administrator run: CREATE ROLE {role} LOGIN "
            "PASSWORD '...';\n  and give its address as DATABASE_URL, the present one "
            "as DATABASE_OWNER_URL.",
            file=sys.stderr,
        )
        return None
    return url


def _role(database: psycopg.Connection, role: str, password: str) -> None:
    """A role that may sign in with the password and nothing else."""
    verb = "ALTER" if _there(database, "pg_roles", "rolname", role) else "CREATE"
    database.execute(
        sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(password)
        )
    )


def _there(database: psycopg.Connection, table: str, column: str, name: str) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} = {})").format(
        sql.Identifier(table), sql.Identifier(column), sql.Literal(name)
    )
    return database.execute(query).fetchone()[0]


def main() -> None:
    env = variables.environment()
    if not env.get("DATABASE_URL"):
        sys.exit("Set DATABASE_URL (and DATABASE_OWNER_URL) to the database.")
    os.environ.update(env)
    migrate(env)
    print("The database is up to date and the application has its rights.")


if __name__ == "__main__":
    main()
