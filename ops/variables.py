"""var/local.env: what this machine's settings are, kept from one run to the next.

`config/settings.py` reads the same file, so that `manage.py` talks to what `make run`
started. The real environment always wins over it.
"""

import os
import secrets
import sys

from ops.environment import ROOT, VENV

VAR = ROOT / "var"
FILE = VAR / "local.env"


def read() -> dict[str, str]:
    """What the file says; nothing when there is none."""
    if not FILE.exists():
        return {}
    pairs = (line.partition("=") for line in FILE.read_text().splitlines())
    return {name: value for name, equals, value in pairs if equals}


def keep(**values: str) -> None:
    """Write values into the file, which only its owner may read."""
    VAR.mkdir(exist_ok=True)
    FILE.touch(mode=0o600)
    FILE.chmod(0o600)
    lines = [f"{name}={value}" for name, value in (read() | values).items()]
    FILE.write_text("\n".join(lines) + "\n")


def secret(name: str) -> str:
    """A secret of this machine, made up the first time it is asked for."""
    kept = read().get(name)
    if not kept:
        kept = secrets.token_urlsafe(40)
        keep(**{name: kept})
    return kept


def environment() -> dict[str, str]:
    """The environment for everything that is started here."""
    if "ENVIRONMENT" not in read():
        keep(ENVIRONMENT="local")
    secret("SECRET_KEY")
    kept = read()
    if os.environ.get("DATABASE_URL"):
        # The kept owner is the embedded server's, not of a database given here.
        kept.pop("DATABASE_OWNER_URL", None)
    programs = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    own = {"PATH": programs, "PYTHONUNBUFFERED": "1", "VIRTUAL_ENV": str(VENV)}
    return kept | os.environ | own


def manage(*arguments: str) -> list[str]:
    """The command line of one of Django's commands."""
    return [sys.executable, str(ROOT / "manage.py"), *arguments]
