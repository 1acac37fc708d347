"""The partners to test with: they take what we signed, and nothing else."""

import base64
import http.client
import json
import random
import string
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from demo import sandbox
from journal import calls, endpoints, signatures

SECRET = endpoints.new_secret()
MUTATIONS = 5_000


class Api(threading.Thread):
    """Notes what a partner asks of the API, and answers 200."""

    def __init__(self):
        super().__init__(daemon=True)
        self.asked, self.statuses = [], [200]
        note = self.note

        class Handler(sandbox.Handler):
            def do_POST(self):  # noqa: N802
                body = self.rfile.read(int(self.headers["Content-Length"]))
                note(self.path, dict(self.headers), json.loads(body))
                status = (
                    api.statuses[0] if len(api.statuses) == 1 else api.statuses.pop(0)
                )
                self._say(status, {})

        api = self
        self.server = sandbox.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.heard = threading.Condition()

    def note(self, *asked):
        with self.heard:
            self.asked.append(asked)
            self.heard.notify_all()

    def run(self):
        self.server.serve_forever(poll_interval=0.05)

    def wait(self, count):
        with self.heard:
            assert self.heard.wait_for(lambda: len(self.asked) >= count, 10)
        return self.asked


@pytest.fixture
def api():
    thread = Api()
    thread.start()
    yield thread
    thread.server.shutdown()
    thread.server.server_close()


@pytest.fixture
def partner():
    return sandbox.Partner("box", secrets=lambda: [SECRET], key="ak_1.secret")


@pytest.fixture
def server(partner, api):
    host, port = api.server.server_address
    with sandbox.Sandbox(
        ("127.0.0.1", 0), [partner], api=f"http://{host}:{port}/api/v1"
    ) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture
def place(server):
    return f"127.0.0.1:{server.server_address[1]}"


def signed(body, *, secret=SECRET, at=None, message_id="msg_1"):
    at = at or datetime.now(UTC)
    return signatures.headers(message_id, body, secrets=[secret], at=at)


def event(kind="app.installed", **data):
    data = data or {"installation": {"id": 12}}
    return json.dumps({"type": kind, "timestamp": "2026-11-23T12:00:00Z", "data": data})


def tell(place, body, headers=None):
    headers = signed(body) if headers is None else headers
    return calls.post(f"http://{place}/box", body, headers, loopback=[place])


def command(place, **asked):
    address = f"http://{place}/control/box"
    return calls.post(address, json.dumps(asked), {}, loopback=[place])


def ask(place, method, path, body=None):
    """The status and the text of an answer."""
    with closing(http.client.HTTPConnection(place, timeout=10)) as connection:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()


def seen(place):
    return json.loads(ask(place, "GET", "/control")[1])["partners"]["box"]


# What it takes


def test_it_takes_what_we_signed(place, partner):
    answer = tell(place, event("app.updated", n="Zoë 東京"))

    assert (answer.status, json.loads(answer.body)) == (200, {"taken": "msg_1"})
    assert partner.received[0]["data"] == {"n": "Zoë 東京"}


def test_it_takes_what_the_official_library_signed(place):
    now, body = datetime.now(UTC), event("app.updated", n=1)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", now, body),
    }

    assert tell(place, body, headers).status == 200


def test_it_echoes_a_challenge(place):
    answer = tell(place, event("endpoint.verify", challenge="abc"))

    assert json.loads(answer.body) == {"challenge": "abc"}


@pytest.mark.parametrize("minutes", [-6, 6])
def test_it_takes_nothing_signed_at_another_time(place, partner, minutes):
    body = event()
    headers = signed(body, at=datetime.now(UTC) + timedelta(minutes=minutes))

    assert tell(place, body, headers).status == 401
    assert partner.received == []


@pytest.mark.slow
def test_of_five_thousand_mutations_it_takes_none(place, partner):
    chance = random.Random(20261123)
    statuses = {}
    connection = http.client.HTTPConnection(place, timeout=30)
    for number in range(MUTATIONS):
        if number % 500 == 0:  # the moment is checked too: keep it near
            body = event(n=number, name="Zoë")
            genuine = signed(body)
        kind = KINDS[number % len(KINDS)]
        changed, headers = kind(chance, body.encode(), dict(genuine))
        connection.request("POST", "/box", changed, headers)
        response = connection.getresponse()
        response.read()
        statuses.setdefault(response.status, set()).add(kind.__name__)
    connection.close()

    assert partner.received == []
    assert set(statuses) == {401}
    # The same place takes what was not changed: it does listen.
    assert tell(place, body).status == 200


def another(chance, old, choices):
    return chance.choice([one for one in choices if one != old])


def a_bit_of_the_body(chance, body, headers):
    place = chance.randrange(len(body))
    changed = body[place] ^ (1 << chance.randrange(8))
    return body[:place] + bytes([changed]) + body[place + 1 :], headers


def a_piece_of_the_body_gone(chance, body, headers):
    start = chance.randrange(len(body))
    return body[:start] + body[start + chance.randrange(1, 20) :], headers


def a_piece_of_the_body_more(chance, body, headers):
    place = chance.randrange(len(body) + 1)
    return body[:place] + chance.randbytes(chance.randrange(1, 9)) + body[
        place:
    ], headers


def another_spelling_of_the_body(chance, body, headers):
    said = json.loads(body)
    return json.dumps(said, indent=chance.randrange(1, 9)).encode(), headers


def a_letter_of_the_signature(chance, body, headers):
    version, _comma, value = headers["webhook-signature"].partition(",")
    place = chance.randrange(len(value))
    letter = another(chance, value[place], string.ascii_letters + string.digits + "+/")
    changed = value[:place] + letter + value[place + 1 :]
    return body, headers | {"webhook-signature": f"{version},{changed}"}


def a_bit_of_the_signature(chance, body, headers):
    raw = bytearray(base64.b64decode(headers["webhook-signature"][3:]))
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    changed = base64.b64encode(raw).decode()
    return body, headers | {"webhook-signature": f"v1,{changed}"}


def a_shorter_signature(chance, body, headers):
    value = headers["webhook-signature"]
    return body, headers | {"webhook-signature": value[: chance.randrange(len(value))]}


def a_signature_with_something_in_it(chance, body, headers):
    value = headers["webhook-signature"]
    place = chance.randrange(3, len(value))
    more = chance.choice(["!", "=", "\t", "-", "ä", ",", "v1,"])
    changed = (value[:place] + more + value[place:]).encode("latin-1")
    return body, headers | {"webhook-signature": changed}


def another_version(chance, body, headers):
    value = headers["webhook-signature"][2:]
    version = chance.choice(["v0", "v2", "V1", "v1a", "1", "", "v11", "v1 "])
    return body, headers | {"webhook-signature": version + value}


def a_signature_of_nobody(chance, body, headers):
    made_up = base64.b64encode(chance.randbytes(chance.choice([0, 16, 32, 64])))
    return body, headers | {"webhook-signature": f"v1,{made_up.decode()}"}


def a_signature_of_somebody_else(chance, body, headers):
    secret = "whsec_" + base64.b64encode(chance.randbytes(24)).decode()
    return body, signed(body.decode(), secret=secret)


def another_id(chance, body, headers):
    changed = "msg_" + "".join(chance.choices(string.hexdigits, k=8))
    return body, headers | {"webhook-id": changed}


def another_moment(chance, body, headers):
    seconds = int(headers["webhook-timestamp"])
    other = seconds + chance.choice([-1, 1]) * chance.randrange(1, 250)
    forms = [f"{other}", f"{seconds}.0", f"{seconds}.5", f"+{seconds}", f"{seconds}e0"]
    return body, headers | {"webhook-timestamp": chance.choice(forms)}


def a_header_gone(chance, body, headers):
    headers.pop(chance.choice(list(headers)))
    return body, headers


def an_empty_header(chance, body, headers):
    return body, headers | {chance.choice(list(headers)): ""}


KINDS = [
    a_bit_of_the_body,
    a_piece_of_the_body_gone,
    a_piece_of_the_body_more,
    another_spelling_of_the_body,
    a_letter_of_the_signature,
    a_bit_of_the_signature,
    a_shorter_signature,
    a_signature_with_something_in_it,
    another_version,
    a_signature_of_nobody,
    a_signature_of_somebody_else,
    another_id,
    another_moment,
    a_header_gone,
    an_empty_header,
]


# What it does


def test_it_confirms_what_is_installed_by_its_key(place, api):
    tell(place, event())

    ((path, headers, said),) = api.wait(1)
    assert path == "/api/v1/partner/installations/12/confirm/"
    assert headers["Authorization"] == "Bearer ak_1.secret"
    assert headers["Idempotency-Key"] == "msg_1"
    assert said == {"answer": "Your workspace is ready."}


def test_told_to_refuse_it_says_why(place, api):
    command(place, behaviour="refuse", reason="No room.")
    tell(place, event())

    ((path, _headers, said),) = api.wait(1)
    assert path.endswith("/12/refuse/")
    assert said == {"reason": "No room."}


def test_it_asks_again_while_the_api_is_busy(place, api, monkeypatch):
    monkeypatch.setattr(sandbox, "BETWEEN", 0.01)
    api.statuses[:] = [503, 429, 200]

    tell(place, event())

    assert len(api.wait(3)) == 3


def test_told_to_be_silent_it_takes_and_answers_nothing(place, api, partner):
    command(place, behaviour="silent")

    assert tell(place, event()).status == 200

    assert len(partner.received) == 1
    assert partner.wish(partner.received[0]) is None


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [("fail", 500), ("busy", 503), ("gone", 410), ("redirect", 302), ("deaf", None)],
)
def test_it_fails_as_it_is_told(place, behaviour, status):
    command(place, behaviour=behaviour)

    answer = tell(place, event())

    assert answer.status == status
    assert answer.error
    if behaviour == "busy":
        assert answer.headers["Retry-After"] == "60"


def test_told_to_be_slow_it_lets_wait(place, monkeypatch):
    command(place, behaviour="slow", seconds=1.0)
    monkeypatch.setattr(calls, "ALL", 0.2)

    assert tell(place, event()).error == "No whole answer within 0.2 seconds."

    monkeypatch.undo()
    command(place, seconds=0.05)
    assert tell(place, event()).status == 200


def test_told_to_be_mute_it_does_not_echo(place):
    command(place, behaviour="mute")

    answer = tell(place, event("endpoint.verify", challenge="abc"))

    assert "challenge" not in json.loads(answer.body)


def test_by_hand_it_answers_one_installation(place, api):
    command(place, confirm=34)

    assert api.wait(1)[0][0].endswith("/34/confirm/")
    assert seen(place)["answered"][0]["confirm"] == 200


def test_it_shows_what_it_was_told(place):
    tell(place, event("app.updated", n=5))

    shown = seen(place)
    assert (shown["behaviour"], shown["taken"]) == ("confirm", 1)
    assert shown["received"][0]["data"] == {"n": 5}


@pytest.mark.parametrize("asked", [b"", b"[]", b"nonsense", b'{"behaviour": "odd"}',
                                   b'{"seconds": "x"}'])  # fmt: skip
def test_a_command_it_does_not_know_changes_nothing(place, asked):
    assert ask(place, "POST", "/control/box", asked)[0] == 400
    assert seen(place)["behaviour"] == "confirm"


@pytest.mark.parametrize(
    "path", ["/", "/nobody", "/box/more", "/control", "/control/x"]
)
def test_nobody_else_listens_there(place, path):
    assert ask(place, "POST", path, b"{}")[0] == 404


@pytest.mark.parametrize(
    ("length", "status"), [("", 411), ("-1", 411), ("x", 411), (str(10**9), 413)]
)
def test_a_body_has_a_length_and_a_bound(place, length, status):
    with closing(http.client.HTTPConnection(place, timeout=10)) as connection:
        connection.putrequest("POST", "/box")
        connection.putheader("Content-Length", length)
        connection.endheaders()

        assert connection.getresponse().status == status
