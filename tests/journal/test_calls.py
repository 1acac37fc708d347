"""One POST, to one address: bounded in time and size, whatever the other side does."""

import contextlib
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from journal import addresses, calls

# Signed by itself: trusted by nobody, unless a test says so.
CERTIFICATE = Path(__file__).parent / "certificate.pem"


@pytest.fixture
def serve():
    """Answer one connection with a function of its socket; returns the place."""
    with contextlib.ExitStack() as after:

        def start(answer):
            server = after.enter_context(socket.create_server(("127.0.0.1", 0)))

            def run():
                with contextlib.suppress(OSError):
                    taken, _address = server.accept()
                    with taken:
                        taken.settimeout(5)
                        answer(taken)

            thread = threading.Thread(target=run)
            thread.start()
            after.callback(thread.join, 10)
            return f"127.0.0.1:{server.getsockname()[1]}"

        yield start


def post(place, body="{}", headers=None):
    return calls.post(f"http://{place}/hook", body, headers or {}, loopback=[place])


def says(text):
    def answer(taken):
        asked = b""
        while b"\r\n\r\n{}" not in asked:  # all of it: else the end is a reset
            asked += taken.recv(65536)
        taken.sendall(text)

    return answer


def test_a_plain_answer(serve):
    answer = post(
        serve(says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Theirs: 1\r\n\r\nok"))
    )

    assert (answer.status, answer.body, answer.error) == (200, "ok", "")
    assert answer.headers["X-Theirs"] == "1"


def test_what_is_sent(serve):
    asked = []

    def answer(taken):
        while b"{}" not in b"".join(asked):
            asked.append(taken.recv(65536))
        taken.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    place = serve(answer)
    post(place, headers={"webhook-id": "msg_1", "content-type": "application/json"})

    head = b"".join(asked).decode().partition("\r\n\r\n")[0].lower()
    assert head.startswith("post /hook http/1.1\r\n")
    assert f"host: {place}" in head
    assert "webhook-id: msg_1" in head
    assert "content-length: 2" in head


def test_a_redirect_is_a_failure_and_nobody_follows_it(serve):
    head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"

    answer = post(serve(says(head + b"Location: http://127.0.0.1:1/\r\n\r\n")))

    assert answer.status == 302
    assert answer.error == "It answered 302: redirects are not followed."


def test_a_long_answer_is_read_to_a_bound(serve):
    def answer(taken):
        says(b"HTTP/1.1 200 OK\r\n\r\n")(taken)
        with contextlib.suppress(OSError):
            for _ in range(10_000):
                taken.sendall(b"a" * 65536)

    found = post(serve(answer))

    assert (found.status, len(found.body)) == (200, calls.KEPT)


def test_a_compressed_answer_is_kept_as_it_came(serve):
    """Whoever asks for it to be unpacked may get far more than came."""
    found = post(
        serve(
            says(
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                b"Content-Length: 4\r\n\r\n\x1f\x8b\x00a"
            )
        )
    )

    assert found.body.endswith("a")
    assert "\x00" not in found.body


def test_in_parts_it_is_put_together(serve):
    found = post(
        serve(
            says(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            )
        )
    )

    assert found.body == "abcde"


@pytest.mark.parametrize(
    "trickle", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"]
)
def test_who_sends_a_byte_now_and_then_is_hung_up_on(serve, monkeypatch, trickle):
    monkeypatch.setattr(calls, "ALL", 0.4)

    def answer(taken):
        says(trickle)(taken)
        with contextlib.suppress(OSError):
            while True:
                taken.sendall(b"a")
                time.sleep(0.02)

    began = time.monotonic()
    found = post(serve(answer))

    assert time.monotonic() - began < 3
    assert found.status in (None, 200)
    assert found.took_ms >= 300


def test_who_says_nothing_is_not_waited_for(serve, monkeypatch):
    monkeypatch.setattr(calls, "READ", 0.2)

    found = post(serve(lambda taken: taken.recv(65536) and taken.recv(1)))

    assert found.status is None
    assert found.error


def test_a_stuck_handshake_is_hung_up_on(serve, monkeypatch):
    monkeypatch.setattr(calls, "ALL", 0.3)
    place = serve(lambda taken: [taken.recv(65536), taken.recv(1)])

    began = time.monotonic()
    found = calls.post(f"https://{place}/hook", "{}", {}, loopback=[place])

    assert found.status is None
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x00\xff" * 20,
    ],
)
def test_nonsense_is_an_answer_too(serve, nonsense):
    found = post(serve(says(nonsense)))

    assert isinstance(found, calls.Answer)
    assert found.status == 200 or found.error


@pytest.mark.parametrize("line", [b"\x00\x00\r\n\r\n", b"HTTP/1.1 2\x00\r\n\r\n"])
def test_what_it_says_can_be_kept(serve, line):
    answer = post(serve(says(line)))

    assert answer.error.startswith("No answer")
    assert "\x00" not in answer.error + answer.body


def test_nobody_there():
    found = post("127.0.0.1:1")

    assert found.status is None
    assert found.error.startswith("No answer")


@pytest.fixture
def hooks(serve, monkeypatch):
    """An https server with a certificate for hooks.partner.example, on loopback.

    Returns a function that asks it by a name: the resolver's answer is stubbed.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def answer(taken):
        with context.wrap_socket(taken, server_side=True) as safe:
            says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")(safe)

    port = int(serve(answer).split(":")[1])
    monkeypatch.setattr(addresses, "found", lambda place, **more: "127.0.0.1")
    monkeypatch.setattr(addresses, "PORTS", {port})
    return lambda name: calls.post(f"https://{name}:{port}/", "{}", {})


def test_the_name_is_what_the_certificate_must_be_for(hooks, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    assert hooks("hooks.partner.example").body == "ok"


def test_a_certificate_for_another_name_is_refused(hooks, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    found = hooks("other.partner.example")

    assert found.status is None
    assert "Hostname mismatch" in found.error


def test_a_certificate_nobody_trusts_is_refused(hooks):
    found = hooks("hooks.partner.example")

    assert found.status is None
    assert "CERTIFICATE_VERIFY_FAILED" in found.error
