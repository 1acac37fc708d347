"""`make test`: every check, the cheap ones first, then every test.

All of them are run, so that one look shows all that is wrong; any failure is the exit
code's. `python -m ops.check lint` stops before the database. What follows `--` goes to
pytest: `python -m ops.check -- tests/terms -x`.
"""

import os
import secrets
import subprocess
import sys
import time

from config import launch_keys
from ops import assets, chromium, postgres, processes, services, variables
from ops.environment import ROOT, VENV

CHECKS = {
    "layout": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "imports": ["lint-imports"],
    "templates": ["djlint", "--lint", "--quiet", "templates"],
}


def main() -> int:
    arguments, _, wanted = " ".join(sys.argv[1:]).partition("--")
    processes.stop_on_signals()
    failed = [name for name, command in CHECKS.items() if not _passes(name, command)]
    if "lint" not in arguments:
        failed += _with_database(wanted.split())
    if failed:
        print(f"\nNot good: {', '.join(failed)}.", flush=True)
    return bool(failed)


def _with_database(wanted: list[str]) -> list[str]:
    """What needs PostgreSQL: the machine's, the one given, or the embedded one."""
    server = None
    url = os.environ.get("DATABASE_URL") or services.postgres()
    try:
        if not url:
            server = postgres.start(variables.VAR / "postgres-test", durable=False)
            url = server.url()
        place = url.rpartition("@")[2]
        print(f"PostgreSQL: {'embedded, ' if server else ''}{place}", flush=True)
        return _tests(url, wanted)
    finally:
        if server:
            server.stop()


def _tests(url: str, wanted: list[str]) -> list[str]:
    env = variables.environment() | {"DATABASE_URL": url}
    env |= services.brokers() | {"CHROMIUM": chromium.path(), "ENVIRONMENT": "local"}
    env.pop("DATABASE_OWNER_URL", None)
    print(f"Chromium: {env['CHROMIUM']}", flush=True)
    assets.build()
    migrations = variables.manage("makemigrations", "--check", "--dry-run")
    deploy = variables.manage("check", "--deploy", "--fail-level", "WARNING")
    processes_at_once = str(min(os.cpu_count() or 1, 4))
    pytest = [str(VENV / "bin/pytest"), "--numprocesses", processes_at_once]
    pytest += ["--dist", "loadfile", *wanted]
    steps = {
        "migrations": (migrations, env),
        "deployment": (deploy, env | production(url)),
        "tests": (pytest, env),
    }
    return [name for name, (run, env) in steps.items() if not _passes(name, run, env)]


def production(url: str) -> dict[str, str]:
    """The settings of a production, as `check --deploy` looks at them."""
    key = launch_keys.kept(ROOT / "var/launch-key.pem")
    return {
        "ENV_FILE": os.devnull,
        "ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_urlsafe(60),
        "ALLOWED_HOSTS": "console.vendor.example",
        "PUBLIC_ADDRESS": "https://console.vendor.example",
        "DATABASE_URL": url,
        "LAUNCH_KEY_FILES": key,
        "CLOCK_SETTABLE": "0",
        "DEBUG": "0",
    }


def _passes(name: str, command: list[str], env: dict[str, str] | None = None) -> bool:
    print(f"== {name}", flush=True)
    began = time.monotonic()
    env = env or variables.environment()
    good = subprocess.run(command, cwd=ROOT, env=env, check=False).returncode == 0
    seconds = time.monotonic() - began
    print(f"== {name}: {'good' if good else 'FAILED'}, {seconds:.0f} s", flush=True)
    return good


if __name__ == "__main__":
    try:
        sys.exit(main())
    except processes.Stopped:
        sys.exit("Stopped.")
