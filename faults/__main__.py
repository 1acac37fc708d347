"""`make faults`: the hourly run, killed at random, on every broker there is.

Half of the due lines renew, half have a decision open that asks for a ticket. A worker
takes ticks while its children, and sometimes all of it, are killed without warning; in
the end each line has exactly one next term and one charge, each decision one ticket.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ops import scratch, services
from ops.environment import ROOT, VENV

LINES = 20_000
PATIENCE = 900


@dataclass
class Worker:
    """A Celery worker that can be killed and comes back."""

    env: dict[str, str]
    process: subprocess.Popen | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                VENV / "bin/celery", "--app", "config", "worker", "--pool", "prefork",
                "--concurrency", "2", "--loglevel", "ERROR", "--without-mingle",
                "--without-gossip",
            ],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    def kill_child(self) -> bool:
        children = self.children()
        if children:
            _kill(random.choice(children))
        return bool(children)

    def kill(self) -> None:
        """All of it at once: the parent and every child, nothing is finished."""
        for pid in [self.process.pid, *self.children()]:
            _kill(pid)
        self.process.wait()


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def main(lines: int, only: list[str]) -> int:
    with TemporaryDirectory() as folder:
        brokers = services.brokers()
        urls = {
            "RabbitMQ": brokers.get("TEST_RABBITMQ_URL"),
            "Redis": brokers.get("TEST_REDIS_URL"),
            "filesystem": "filesystem://localhost",
        }
        urls = {name: url for name, url in urls.items() if not only or name in only}
        good = [
            _survives(name, url, lines, folder) for name, url in urls.items() if url
        ]
    for name, url in urls.items():
        if not url:
            print(f"{name}: not on this machine, left out")
    return 0 if all(good) else 1


def _survives(name: str, broker: str, lines: int, folder: str) -> bool:
    kills = {"child": 0, "worker": 0}
    with scratch.database(f"appconnect_faults_{name.lower()}") as env:
        env |= {
            "CELERY_BROKER_URL": broker,
            "BROKER_FOLDER": folder,
            "TERM_END_BATCH": str(max(lines // 20, 1)),
            "LOG_LEVEL": "CRITICAL",
        }
        _ask(env, "fill", str(lines))
        worker = Worker(env)
        worker.start()
        began = time.monotonic()
        try:
            while _ask(env, "due") != "0":
                if time.monotonic() - began > PATIENCE:
                    print(f"{name}: not done after {PATIENCE} s")
                    return False
                _ask(env, "tick")
                time.sleep(random.uniform(0.5, 6))
                hurt(worker, kills)
        finally:
            worker.kill()
        verdict = _ask(env, "verdict")
    seconds = time.monotonic() - began
    print(
        f"{name}: {verdict}; {kills['child']} children and {kills['worker']} whole"
        f" workers killed in {seconds:.0f} s",
        flush=True,
    )
    return verdict.startswith("good")


def hurt(worker: Worker, kills: dict[str, int]) -> None:
    """Kill one of its children or, now and then, all of it."""
    if random.random() < 0.3:
        worker.kill()
        worker.start()
        kills["worker"] += 1
    elif worker.kill_child():
        kills["child"] += 1


def _ask(env: dict[str, str], *question: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "faults.ground", *question],
        cwd=ROOT, env=env, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return answer.stdout.strip()


if __name__ == "__main__":
    random.seed(int(os.environ.get("SEED", "20261130")))
    _, *arguments = sys.argv
    lines = int(arguments.pop(0)) if arguments else LINES
    sys.exit(main(lines, only=arguments))
