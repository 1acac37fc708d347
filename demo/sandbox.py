"""Partners to test with: their software, behind one small HTTP server.

Each listens at /<name>: it verifies the signature, answers the challenge, keeps what it
was told and answers installations through the API, as it is told to behave. The server
is told at /control. It knows nothing of our tables: what it needs is what a partner has,
an address, the secret of its endpoint and a key.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
import urllib3

from journal import signatures

MOST = 8 * 1024 * 1024  # bytes of a body
BEHAVIOURS = {
    "confirm": "takes everything, and confirms what is installed",
    "refuse": "takes everything, and refuses what is installed",
    "silent": "takes everything, and answers no installation",
    "slow": "waits before it answers, then confirms",
    "fail": "answers 500",
    "busy": "answers 503 and asks to wait",
    "gone": "answers 410",
    "redirect": "answers 302",
    "deaf": "hangs up without an answer",
    "mute": "takes everything, but does not echo the challenge",
}
CONFIRMS, TRIES, BETWEEN = {"confirm", "slow"}, 5, 1.0


@dataclass
class Reply:
    """What a partner answers to a webhook. No status: it hangs up."""

    status: int | None
    said: dict
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0


@dataclass
class Partner:
    """One partner's software."""

    name: str
    secrets: Callable[[], list[str]]
    key: str = ""
    behaviour: str = "confirm"
    seconds: float = 30.0
    reason: str = "Your domain is registered with another team of ours."
    launched: set[str] = field(default_factory=set)
    received: list[dict] = field(default_factory=list)
    answered: list[dict] = field(default_factory=list)

    def take(self, body: bytes, sent: Mapping[str, str]) -> Reply:
        """What one webhook is answered: 401 unless it is signed by us, just now."""
        try:
            told = signatures.read(body, sent=sent, secrets=self.secrets())
        except signatures.Forged as refusal:
            return Reply(401, {"error": str(refusal)})
        message_id = {n.lower(): v for n, v in sent.items()}[signatures.ID]
        told = told | {"id": message_id, "behaviour": self.behaviour}
        self.received.append(told)
        return self._reply(told)

    def _reply(self, told: dict) -> Reply:
        challenge = told.get("type") == "endpoint.verify"
        match self.behaviour:
            case "fail":
                return Reply(500, {"error": "Told to fail."})
            case "busy":
                return Reply(503, {"error": "Busy."}, {"Retry-After": "60"})
            case "gone":
                return Reply(410, {"error": "Nobody listens here any more."})
            case "redirect":
                return Reply(302, {}, {"Location": "http://127.0.0.1:9/elsewhere"})
            case "deaf":
                return Reply(None, {})
        said = {"taken": told["id"]}
        if challenge and self.behaviour != "mute":
            data = told.get("data")
            named = isinstance(data, dict)
            said = {"challenge": data.get("challenge") if named else None}
        return Reply(200, said, wait=self.seconds if self.behaviour == "slow" else 0.0)

    def greet(self, app: str, token: str, *, console: str) -> tuple[int, dict]:
        """Who was sent by the console to an app, verified as docs/launch.md says."""
        keys = jwt.PyJWKClient(f"{console}/.well-known/jwks.json", timeout=5)
        try:
            said = jwt.decode(
                token,
                keys.get_signing_key_from_jwt(token),
                algorithms=["ES256"],
                audience=app,
                issuer=console,
                leeway=30,
                options={"require": ["exp", "iat", "aud", "iss", "sub", "jti"]},
            )
        except jwt.PyJWTError as refusal:
            return 401, {"refused": str(refusal)}
        if said["jti"] in self.launched:
            return 401, {"refused": "This launch was used before."}
        self.launched.add(said["jti"])
        return 200, said

    def wish(self, told: dict) -> str | None:
        """Whether an event is an installation to confirm or to refuse."""
        if told.get("type") != "app.installed" or not self.key:
            return None
        if told["behaviour"] == "refuse":
            return "refuse"
        return "confirm" if told["behaviour"] in CONFIRMS else None


class Sandbox(ThreadingHTTPServer):
    """The server, and the errands that partners run through the API."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, place: tuple[str, int], partners: list[Partner], *, api: str):
        super().__init__(place, Handler)
        self.partners = {partner.name: partner for partner in partners}
        self.api = api.rstrip("/")
        self.calls = urllib3.PoolManager(timeout=10, retries=False)

    def server_close(self) -> None:
        super().server_close()
        self.calls.clear()

    def handle_error(self, request, client_address) -> None:
        """Who hangs up in the middle is no news: slow answers are left all the time."""

    def address(self, name: str) -> str:
        host, port = self.server_address[:2]
        return f"http://{host}:{port}/{name}"

    def run_errand(self, partner: Partner, told: dict) -> None:
        """Answer an installation as the partner behaves, in a thread of its own."""
        data = told.get("data")
        about = data.get("installation") if isinstance(data, dict) else None
        if isinstance(about, dict) and (wish := partner.wish(told)):
            errand = [partner, about.get("id"), wish, told["id"]]
            threading.Thread(target=self.answer, args=errand, daemon=True).start()

    def answer(self, partner: Partner, installation: int, wish: str, key: str) -> int:
        """Confirm or refuse through the API, again while the API cannot be reached.

        The idempotency key is the webhook's id: taken twice, it is answered once.
        Returns the status of the last answer.
        """
        words = {"reason": partner.reason} if wish == "refuse" else {}
        if wish == "confirm":
            words = {"answer": "Your workspace is ready."}
        status = 0
        for _ in range(TRIES):
            try:
                response = self.calls.request(
                    "POST",
                    f"{self.api}/partner/installations/{installation}/{wish}/",
                    json=words,
                    headers={
                        "Authorization": f"Bearer {partner.key}",
                        "Idempotency-Key": key,
                    },
                )
                status, said = response.status, response.data[:2000].decode()
            except urllib3.exceptions.HTTPError as failure:
                status, said = 0, str(failure)
            if 0 < status < 500 and status != 429:
                break
            time.sleep(BETWEEN)
        partner.answered.append(
            {"installation": installation, wish: status, "said": said}
        )
        print(f"{partner.name}: {wish} installation {installation}: {status}")
        return status


class Handler(BaseHTTPRequestHandler):
    """POST /<partner> is a webhook, /<partner>/open/<app> a launch, /control/<partner> a
    command; GET /control is a look
    at all of them, /control/<partner> at all that one was told.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body leave at once
    server: Sandbox
    timeout = 60

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        first, _slash, rest = self._path().partition("/")
        name, _slash, app = rest.partition("/")
        if name == "open" and app and (opened := self.server.partners.get(first)):
            self._greet(opened, app, body)
            return
        partner = self.server.partners.get(rest if first == "control" else first)
        if partner is None or (rest and first != "control"):
            self._say(404, {"error": "Nobody of this name listens here."})
        elif first == "control":
            self._command(partner, body)
        else:
            self._webhook(partner, body)

    def do_GET(self) -> None:
        first, _slash, name = self._path().partition("/")
        if first == "control" and (partner := self.server.partners.get(name)):
            self._say(200, _seen(partner, last=None))
        elif first == "control" and not name:
            played = {p.name: _seen(p) for p in self.server.partners.values()}
            self._say(200, {"behaviours": BEHAVIOURS, "partners": played})
        else:
            self._say(404, {"error": "Look at /control."})

    def _webhook(self, partner: Partner, body: bytes) -> None:
        reply = partner.take(body, dict(self.headers.items()))
        if reply.wait:
            time.sleep(reply.wait)
        if reply.status is None:
            self.close_connection = True
            return
        self._say(reply.status, reply.said, reply.headers)
        if reply.status == 200:
            print(f"{partner.name}: took {partner.received[-1].get('type')}")
            self.server.run_errand(partner, partner.received[-1])

    def _greet(self, partner: Partner, app: str, body: bytes) -> None:
        """The first page of an app: a word to whoever was launched into it."""
        token = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0]
        console = self.server.api.removesuffix("/api/v1")
        status, said = partner.greet(app, token, console=console)
        hello = f"Hello {said['name']}" if status == 200 else "Not launched"
        print(f"{partner.name}: {app} was launched: {status}")
        rows = "".join(
            f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>"
            for name, value in said.items()
        )
        page = (
            "<!doctype html><html lang=en><meta charset=utf-8>"
            "<meta name=viewport content='width=device-width'>"
            f"<title>{escape(app)}</title><h1>{escape(hello)}</h1>"
            f"<p>This is {escape(app)}, as the partner sandbox plays it.</p>"
            f"<dl>{rows}</dl>"
        )
        self._answer(status, page.encode(), "text/html; charset=utf-8")

    def _command(self, partner: Partner, body: bytes) -> None:
        """{"behaviour": "slow", "seconds": 3, "reason": "…"}, or {"confirm": 12}."""
        try:
            asked = json.loads(body)
            behaviour = asked.get("behaviour", partner.behaviour)
            seconds = float(asked.get("seconds", partner.seconds))
        except (ValueError, AttributeError, TypeError):
            self._say(400, {"error": "Send an object in JSON."})
            return
        if behaviour not in BEHAVIOURS:
            self._say(400, {"error": "No such behaviour.", "behaviours": BEHAVIOURS})
            return
        partner.behaviour, partner.seconds = behaviour, seconds
        partner.reason = str(asked.get("reason", partner.reason))
        for wish in ("confirm", "refuse"):
            if wish in asked:
                key = f"by-hand-{wish}-{asked[wish]}"
                self.server.answer(partner, asked[wish], wish, key)
        self._say(200, _seen(partner))

    def _path(self) -> str:
        return unquote(urlsplit(self.path).path).strip("/")

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            self._say(411, {"error": "Say how long the body is."}, close=True)
            return None
        if int(length) > MOST:
            self._say(413, {"error": "That is too long."}, close=True)
            return None
        return self.rfile.read(int(length))

    def _say(self, status: int, said: dict, headers=(), *, close=False) -> None:
        text = json.dumps(said).encode()
        self._answer(status, text, "application/json", headers, close=close)

    def _answer(
        self, status: int, text: bytes, kind: str, headers=(), *, close=False
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words) -> None:
        """Partners say what they take themselves."""


def _seen(partner: Partner, *, last: int | None = 50) -> dict:
    """How a partner behaves, and the last things, or all, it was told and answered."""
    since = -last if last else 0
    return {
        "behaviour": partner.behaviour,
        "seconds": partner.seconds,
        "taken": len(partner.received),
        "received": partner.received[since:],
        "answered": partner.answered[since:],
    }
