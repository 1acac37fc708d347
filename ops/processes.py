"""Processes that live and die together, and write one log."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
PATIENCE = 20  # seconds a process gets to finish what it has in hand


class Stopped(Exception):
    """Somebody pressed Ctrl-C or asked the process to end."""


def die_with_parent(death: signal.Signals) -> Callable[[], None]:
    """For Popen's preexec_fn: be told to end when the parent is gone, even killed."""
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(death))

    return ask


def stop_on_signals() -> None:
    """Turn Ctrl-C and SIGTERM into Stopped, once: a second one interrupts nothing."""

    def stop(number, frame):
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)
        raise Stopped

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


class Crew:
    """Named processes whose lines come out under their names."""

    def __init__(self, env: dict[str, str]):
        self.env = env
        self.members: dict[str, subprocess.Popen] = {}

    def start(self, name: str, command: list[str]) -> None:
        process = subprocess.Popen(
            command,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        self.members[name] = process
        threading.Thread(target=self._write, args=(name, process), daemon=True).start()

    def _write(self, name: str, process: subprocess.Popen) -> None:
        for line in process.stdout:
            sys.stdout.write(f"{name:<6} | {line.decode(errors='replace')}")
            sys.stdout.flush()

    def ended(self) -> str | None:
        """The name of a process that ended by itself."""
        for name, process in self.members.items():
            if process.poll() is not None:
                return name
        return None

    def wait(self) -> str:
        """Until one ends by itself; its name."""
        while not (name := self.ended()):
            time.sleep(0.2)
        return name

    def stop(self) -> None:
        """Ask all to end, wait for what they have in hand, then insist."""
        for process in self.members.values():
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + PATIENCE
        for process in self.members.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
