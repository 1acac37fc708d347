"""A whole console for a while: a database with the demo in it, and the web server."""

import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ops import assets, scratch, variables
from ops.environment import ROOT, VENV
from ops.processes import die_with_parent

DAY = "2026-11-23"


@dataclass
class Console:
    """Where it answers, and how to run its commands."""

    url: str
    env: dict[str, str]

    def manage(self, *arguments: str) -> str:
        """Run one of its commands and return what it printed."""
        done = subprocess.run(
            variables.manage(*arguments),
            env=self.env,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout


@contextmanager
def running(
    name: str, *, on: str = DAY, settings: str = "config.settings"
) -> Iterator[Console]:
    """A console with the demo as of a day, its clock pinned there, until the end."""
    with scratch.database(name) as env:
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        env |= {
            "DJANGO_SETTINGS_MODULE": settings,
            "PUBLIC_ADDRESS": url,
            "LOG_LEVEL": "WARNING",
        }
        console = Console(url, env)
        assets.collect(env)
        console.manage("load_demo", "--on", on, "--verbosity", "0")
        log = variables.VAR / f"{name}.log"
        with log.open("wb") as lines:
            server = subprocess.Popen(
                [
                    VENV / "bin/granian", "--interface", "wsgi", "--workers", "1",
                    "--host", "127.0.0.1", "--port", str(port),
                    "config.wsgi:application",
                ],
                env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=lines,
                stderr=subprocess.STDOUT, preexec_fn=die_with_parent(signal.SIGTERM),
            )  # fmt: skip
        try:
            _wait(url, server)
            yield console
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def _wait(url: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"The web server did not answer at {url}.")
