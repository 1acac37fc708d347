"""What a page costs: each beside an empty Django view on the same server, both signed in."""

import os
import signal
import statistics
import subprocess
import time
import urllib.request

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import (  # noqa: E402
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
)
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402

from accounts.models import User  # noqa: E402
from demo.sign_ins import ADMINISTRATOR  # noqa: E402
from ops.environment import VENV  # noqa: E402

PORT = 8931
TIMES = 60
PAGES = {
    "overview": "/overview/",
    "spending": "/spending/",
    "My Apps": "/apps/",
    "one app": "/apps/slack/users/",
    "marketplace": "/marketplace/",
    "marketplace search": "/marketplace/?q=projct",
    "app page": "/marketplace/slack/",
}


def main() -> None:
    call_command("load_demo", verbosity=0)
    cookie = signed_in(User.objects.get(email=ADMINISTRATOR))
    measure(PAGES, cookie)


def measure(pages: dict[str, str], cookie: str) -> None:
    """Print what each page takes, and how often that is an empty view's time."""
    server = serve()
    try:
        wait()
        empty = median("/empty/", cookie)
        print(f"  {'empty view':<28}{empty * 1000:>8.1f} ms")
        for name, path in pages.items():
            seconds = median(path, cookie)
            print(f"  {name:<28}{seconds * 1000:>8.1f} ms   {seconds / empty:>6.1f} ×")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def signed_in(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def serve() -> subprocess.Popen:
    return subprocess.Popen(
        [
            VENV / "bin/granian", "--interface", "wsgi", "--host", "127.0.0.1",
            "--port", str(PORT), "--workers", "1", "config.wsgi:application",
        ],
        env=os.environ | {"LOG_LEVEL": "ERROR"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def wait() -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=1)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("The server did not start.")


def median(path: str, cookie: str) -> float:
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}", headers={"Cookie": cookie}
    )
    taken = []
    for _ in range(TIMES + 5):
        began = time.perf_counter()
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200, answer.status
            assert answer.url.endswith(path), f"{path} led to {answer.url}"
            answer.read()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[5:])


if __name__ == "__main__":
    main()
