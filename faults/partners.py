"""Ten minutes without a partner, then ten without a broker, while everybody clicks.

The clicks are real requests, the partner is the sandbox, the worker is Celery's and is
killed at random. Minutes pass by moving the outbox's moments back. In the end each event
has arrived, in order per installation, and nothing that was clicked has failed.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from tempfile import TemporaryDirectory

from faults.__main__ import Worker, hurt
from ops import scratch, services, variables
from ops.environment import ROOT
from ops.processes import die_with_parent

MINUTES = 10
PATIENCE = 300
NOBODY = "redis://127.0.0.1:1/0"  # a broker that is down


class Partners:
    """The sandbox: there, or gone. What it had taken is kept from one life to the next."""

    def __init__(self, env: dict[str, str], place: str):
        self.env, self.place = env, place
        self.taken: dict[str, list[dict]] = {}
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            variables.manage(
                "partner_sandbox", "--port", self.place.rpartition(":")[2],
                "--api", "http://127.0.0.1:1", "--behave", "slow",
                "--seconds", "0.3",
            ),
            cwd=ROOT, env=self.env, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, preexec_fn=die_with_parent(signal.SIGTERM),
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                self._ask("")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit("The sandbox did not come up.")

    def stop(self) -> None:
        """Gone, in the middle of whatever it does."""
        self.look()
        self.process.kill()
        self.process.wait()

    def look(self) -> dict[str, list[dict]]:
        """All that was ever taken, in the order of its arrival."""
        found = {name: list(taken) for name, taken in self.taken.items()}
        for name in self._ask("")["partners"]:
            found.setdefault(name, []).extend(self._ask(f"/{name}")["received"])
        self.taken = found
        return found

    def _ask(self, path: str) -> dict:
        address = f"http://{self.place}/control{path}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return json.load(answer)


def main(minutes: int, only: list[str]) -> int:
    found = services.brokers()
    urls = {
        "RabbitMQ": found.get("TEST_RABBITMQ_URL"),
        "Redis": found.get("TEST_REDIS_URL"),
        "filesystem": "filesystem://localhost",
    }
    chosen = {n: url for n, url in urls.items() if url and (not only or n in only)}
    good = [_survives(name, url, minutes) for name, url in chosen.items()]
    return 0 if all(good) else 1


def _survives(name: str, broker: str, minutes: int) -> bool:
    place, kills, began = _place(), {"child": 0, "worker": 0}, time.monotonic()
    with (
        TemporaryDirectory() as folder,
        scratch.database(f"appconnect_partners_{name.lower()}") as env,
    ):
        env |= {
            "CELERY_BROKER_URL": broker,
            "BROKER_FOLDER": folder,
            "WEBHOOK_LOOPBACK_ALLOWED": place,
            "LOG_LEVEL": "CRITICAL",
        }
        quiet = {"cwd": ROOT, "env": env, "check": True, "capture_output": True}
        subprocess.run(variables.manage("load_demo", "--verbosity", "0"), **quiet)
        worker, partners = Worker(env), Partners(env, place)
        partners.start()
        worker.start()
        bad = 0
        try:
            _until_all_arrived(env, worker, kills=None)  # the challenges
            partners.stop()
            for _ in range(minutes):  # the partner is down
                bad += int(ask(env, "use"))
                ask(env, "tick")
                hurt(worker, kills)
                ask(env, "let_pass", "1")
            partners.start()
            for _ in range(minutes):  # the broker is down: no tick, no nudge
                bad += int(ask(env | {"CELERY_BROKER_URL": NOBODY}, "use"))
                ask(env, "let_pass", "1")
            done = _until_all_arrived(env, worker, kills)
            taken = partners.look()
        finally:
            worker.kill()
            partners.process.kill()
            partners.process.wait()
        verdict = ask(env, "verdict", said=json.dumps(taken)) if done else "not done"
    count = sum(map(len, taken.values()))
    print(
        f"{name}: {verdict}; {bad} requests failed; {count} webhooks taken; "
        f"{kills['child']} children and {kills['worker']} whole workers killed in "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )
    return verdict.startswith("good") and not bad


def _until_all_arrived(env, worker: Worker, kills: dict | None) -> bool:
    """Tick, a minute at a time; whoever delivers may be killed in the middle of it."""
    began = time.monotonic()
    while ask(env, "waiting") != "0":
        if time.monotonic() - began > PATIENCE:
            return False
        ask(env, "tick")
        time.sleep(random.uniform(0.2, 1.5))
        if kills is not None and sum(kills.values()) < 30:
            hurt(worker, kills)
        ask(env, "let_pass", "5")
    return True


def ask(env: dict[str, str], *question: str, said: str = "") -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "faults.partner_ground", *question],
        cwd=ROOT, env=env, input=said, capture_output=True, text=True,
    )  # fmt: skip
    if answer.returncode:
        raise SystemExit(answer.stderr)
    return answer.stdout.strip()


def _place() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


if __name__ == "__main__":
    random.seed(int(os.environ.get("SEED", "20261130")))
    _, *arguments = sys.argv
    minutes = int(arguments.pop(0)) if arguments else MINUTES
    sys.exit(main(minutes, only=arguments))
