"""`make run`: the whole product on this machine, until Ctrl-C."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from ops import assets, database, postgres, processes, variables
from ops.environment import VENV

HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "8000"))
ADDRESS = f"http://{HOST}:{PORT}"
SANDBOX = 8790
# Celery warns root at length; here root is whoever owns a fresh machine.
QUIET = {"PYTHONWARNINGS": "ignore:You're running the worker"}
PATIENCE = 60  # seconds until the first page must be there


def main() -> int:
    _refuse_taken_port()
    env = {"PUBLIC_ADDRESS": ADDRESS} | QUIET | variables.environment()
    env.setdefault("WEBHOOK_LOOPBACK_ALLOWED", f"127.0.0.1:{_sandbox_port()}")
    processes.stop_on_signals()
    server = crew = None
    try:
        assets.build()
        if os.environ.get("DATABASE_URL"):
            env |= database.elsewhere(env)
        else:
            server = postgres.start(variables.VAR / "postgres")
            env |= database.on(server)
        os.environ.update(env)
        _prepare(env)
        crew = processes.Crew(env)
        for name, command in commands(env).items():
            crew.start(name, command)
        ended = None if not _answers(crew) else _welcome(env, crew)
        name = ended or crew.ended()
        words = f"{name} ended by itself" if name else "the pages did not come up"
        print(f"\n{words}; its last lines above say why. Stopping the rest.")
    except processes.Stopped:
        print("\nStopping.", flush=True)
        return 0
    except subprocess.CalledProcessError as failure:
        print(f"\n{' '.join(map(str, failure.cmd))} failed; its words are above.")
    finally:
        if crew:
            crew.stop()
        if server:
            server.stop()
    return 1


def commands(env: dict[str, str]) -> dict[str, list[str]]:
    """Web, worker, beat and, with the demo, its partners, as they are started here."""
    celery = [str(VENV / "bin/celery"), "--quiet", "--app", "config"]
    partners = {}
    if env.get("DEMO", "1") == "1" and env.get("ENVIRONMENT") == "local":
        port = env["WEBHOOK_LOOPBACK_ALLOWED"].rpartition(":")[2]
        partners["partners"] = [
            *variables.manage("partner_sandbox", "--port", port),
            *("--api", f"{env['PUBLIC_ADDRESS']}/api/v1"),
        ]
    return partners | {
        "web": [
            str(VENV / "bin/granian"),
            *("--interface", "wsgi", "--host", HOST, "--port", str(PORT)),
            *("--workers", env.get("WEB_WORKERS", "2")),
            *("--blocking-threads", env.get("WEB_THREADS", "4")),
            *("--no-ws", "--respawn-failed-workers", "--log-level", "warning"),
            "config.wsgi:application",
        ],
        "worker": [
            *(*celery, "worker", "--without-gossip", "--without-mingle"),
            *("--concurrency", env.get("WORKER_PROCESSES", "2")),
        ],
        "beat": [*celery, "beat"],
    }


def _prepare(env: dict[str, str]) -> None:
    """Tables, rights, pages' files, and the demo where nobody has an account yet."""
    for folder in ("beat", "mail"):
        (variables.VAR / folder).mkdir(exist_ok=True)
    database.migrate(env)
    assets.collect(env)
    if database.is_empty(env) and env.get("DEMO", "1") == "1":
        print("Loading the demo", flush=True)
        subprocess.run(variables.manage("load_demo"), env=env, check=True)


def _answers(crew: processes.Crew) -> bool:
    """Whether the first page came up."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not crew.ended():
        try:
            with urllib.request.urlopen(f"{ADDRESS}/readyz", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def _welcome(env: dict[str, str], crew: processes.Crew) -> str:
    """Say where it is and how to sign in, then wait."""
    if env.get("DEMO", "1") == "1":
        words = subprocess.run(
            variables.manage("demo_signins"),
            env=env,
            check=False,
            capture_output=True,
            text=True,
        ).stdout
    else:
        words = (
            "Without the demo: `.venv/bin/python manage.py first_run` asks for the\n"
        )
        words += "first staff user, account, contract and partner.\n"
    print(f"\n{ADDRESS}\n\n{words}\nCtrl-C stops everything.\n", flush=True)
    return crew.wait()


def _sandbox_port() -> int:
    """Where the demo's partners listen: 8790, or any port when somebody has that."""
    for port in (SANDBOX, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    return SANDBOX


def _refuse_taken_port() -> None:
    """Before anything slow: somebody else's port is found out at once."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, PORT))
        except OSError as error:
            sys.exit(
                f"Port {PORT} of {HOST} cannot be had ({error.strerror}). Stop what "
                f"uses it, or choose another: make run PORT={PORT + 1}"
            )


if __name__ == "__main__":
    sys.exit(main())
