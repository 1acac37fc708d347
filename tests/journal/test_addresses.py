"""A partner writes an address; nothing inside our network is ever asked for it."""

import socket

import pytest
from django.core.exceptions import ValidationError

from journal import addresses, calls

HOSTILE_WORDS = [
    # This machine, in all its spellings.
    "https://localhost/hook",
    "https://localhost.localdomain.local/hook",
    "https://127.0.0.1/hook",
    "https://127.0.0.1:8443/hook",
    "https://127.1/hook",
    "https://127.255.255.254/hook",
    "https://0/hook",
    "https://0.0.0.0/hook",
    "https://2130706433/hook",
    "https://0x7f000001/hook",
    "https://0x7f.0.0.1/hook",
    "https://0x7f.1/hook",
    "https://0177.0.0.1/hook",
    "https://017700000001/hook",
    "https://127.0.0.1./hook",
    "https://localhost./hook",
    "https://①②⑦.⓪.⓪.①/hook",
    "https://127。0。0。1/hook",
    "https://%31%32%37.0.0.1/hook",
    "https://[::1]/hook",
    "https://[::]/hook",
    "https://[0:0:0:0:0:0:0:1]/hook",
    "https://[::127.0.0.1]/hook",
    "https://[::ffff:127.0.0.1]/hook",
    "https://[::ffff:7f00:1]/hook",
    "https://[::1%25lo]/hook",
    # Networks inside, and what clouds tell of themselves.
    "https://10.0.0.5/hook",
    "https://172.16.4.4/hook",
    "https://192.168.1.1/hook",
    "https://100.64.0.1/hook",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/hook",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://[64:ff9b::a9fe:a9fe]/hook",
    "https://[2002:7f00:1::]/hook",
    "https://[2001:0:7f00:1::1]/hook",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://printer.local/hook",
    "https://db.corp/hook",
    "https://1.0.0.127.in-addr.arpa/hook",
    # Numbers of any kind: a certificate is for a name.
    "https://8.8.8.8/hook",
    "https://[2606:4700::1111]/hook",
    # What one reader takes for one host, and another for another.
    "https://hooks.partner.example@127.0.0.1/hook",
    "https://user:word@hooks.partner.example/hook",
    "https://hooks.partner.example\\@127.0.0.1/hook",
    "https://127.0.0.1\\.hooks.partner.example/hook",
    "https://hooks.partner.example#@127.0.0.1/hook",
    "https://hooks.partner.example /hook",
    "https://hooks.partner.example\t/hook",
    "https://hooks.partner.example\r\nHost: inside/hook",
    "https:///hook",
    "https://[hooks.partner.example/hook",
    # Other protocols, other ports.
    "http://hooks.partner.example/hook",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://hooks.partner.example/hook",
    "//hooks.partner.example/hook",
    "unix:///var/run/docker.sock",
    "https://hooks.partner.example:22/hook",
    "https://hooks.partner.example:6379/hook",
    "https://hooks.partner.example:80/hook",
    "https://hooks.partner.example:99999/hook",
    "https://hooks.partner.example:/hook",
    "https://hooks/hook",
    "https://-hooks.partner.example/hook",
    f"https://hooks.partner.example/{'a' * 500}",
]
# Names with nothing wrong in their words, and what a resolver says of each.
HOSTILE_NAMES = {
    "loopback": ["127.0.0.1"],
    "private": ["10.1.2.3"],
    "also-private": ["172.31.255.255"],
    "at-home": ["192.168.0.10"],
    "shared": ["100.127.0.1"],
    "link-local": ["169.254.169.254"],
    "azure": ["168.63.129.16"],
    "nowhere": ["0.0.0.0"],
    "multicast": ["224.0.0.251"],
    "reserved": ["240.0.0.1"],
    "everybody": ["255.255.255.255"],
    "benchmark": ["198.18.0.1"],
    "documents": ["203.0.113.9"],
    "relay-six-to-four": ["192.88.99.1"],
    "protocols": ["192.0.0.8"],
    "six-loopback": ["::1"],
    "six-nowhere": ["::"],
    "six-link-local": ["fe80::1%eth0"],
    "six-unique-local": ["fd00:ec2::254"],
    "six-site-local": ["fec0::1"],
    "six-multicast": ["ff02::1"],
    "six-mapped": ["::ffff:10.0.0.1"],
    "six-compatible": ["::10.0.0.1"],
    "six-to-four": ["2002:a00:1::"],
    "six-teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "six-nat": ["64:ff9b::a00:1"],
    "six-nat-local": ["64:ff9b:1::a00:1"],
    "six-documents": ["2001:db8::1"],
    "six-documents-too": ["3fff::1"],
    "one-of-two": ["93.184.215.14", "127.0.0.1"],
    "one-of-both": ["2606:4700::1111", "fd00::1"],
    "not-a-number": ["inside"],
    "no-answer": [],
    "unknown": None,
}


@pytest.fixture
def attempts(monkeypatch):
    """Connections that were tried; the resolver is one that lies for partners."""
    tried = []

    def connect(self, address, *rest):
        tried.append(address)
        raise ConnectionRefusedError("stubbed")

    def resolve(host, port, *rest, **more):
        numbers = HOSTILE_NAMES.get(host.partition(".")[0], ["93.184.215.14"])
        if host[0].isdigit():
            numbers = [host]
        if numbers is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, (number, port)) for number in numbers]

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return tried


def test_there_are_sixty_of_them_and_more():
    assert len(set(HOSTILE_WORDS)) + len(HOSTILE_NAMES) >= 60
    assert len(set(HOSTILE_WORDS)) >= 60


@pytest.mark.parametrize("address", HOSTILE_WORDS)
def test_hostile_words_are_refused_and_nobody_is_asked(address, attempts):
    answer = calls.post(address, "{}", {})

    assert (answer.status, attempts) == (None, [])
    assert answer.error
    with pytest.raises(
        ValidationError, check=lambda refusal: refusal.code == "address"
    ):
        addresses.read(address)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_answers_of_a_resolver_are_refused_and_nobody_is_asked(name, attempts):
    address = f"https://{name}.partner.example/hook"
    addresses.read(address)  # there is nothing wrong in its words

    answer = calls.post(address, "{}", {})

    assert (answer.status, attempts) == (None, [])
    assert "not public" in answer.error or "was not found" in answer.error


def test_a_public_name_is_asked_at_the_number_that_was_checked(attempts):
    answer = calls.post("https://hooks.partner.example/hook", "{}", {})

    assert {address[:2] for address in attempts} == {("93.184.215.14", 443)}
    assert answer.error.startswith("No answer")


def test_a_name_that_stands_for_something_else_by_now_is_asked_where_it_was_checked(
    attempts, monkeypatch
):
    """Rebinding: the first answer of the resolver is public, each later one is not."""
    asked = []
    honest = socket.getaddrinfo

    def rebind(host, port, *rest, **more):
        if host == "hooks.partner.example":
            asked.append(host)
            host = "loopback" if len(asked) > 1 else host
        return honest(host, port)

    monkeypatch.setattr(socket, "getaddrinfo", rebind)

    calls.post("https://hooks.partner.example/hook", "{}", {})

    assert asked == ["hooks.partner.example"]
    assert [address[0] for address in attempts] == ["93.184.215.14"]


def test_proxies_of_the_environment_are_not_asked(attempts, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://10.0.0.1:3128")

    calls.post("https://hooks.partner.example/hook", "{}", {})

    assert [address[0] for address in attempts] == ["93.184.215.14"]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8790/box",
        "https://127.0.0.1:8790/box",
    ],
)
def test_what_is_allowed_on_this_machine_is_asked(address, attempts):
    calls.post(address, "{}", {}, loopback=["127.0.0.1:8790"])

    assert [address[:2] for address in attempts] == [("127.0.0.1", 8790)]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8791/box",
        "http://127.0.0.2:8790/box",
        "http://localhost:8790/box",
        "http://a:b@127.0.0.1:8790/box",
        "http://2130706433:8790/box",
        "gopher://127.0.0.1:8790/box",
    ],
)
def test_nothing_else_on_this_machine_is(address, attempts):
    calls.post(address, "{}", {}, loopback=["127.0.0.1:8790"])

    assert attempts == []


@pytest.mark.parametrize(
    ("address", "port", "target"),
    [
        ("https://hooks.partner.example", 443, "/"),
        ("https://hooks.partner.example:8443/a?b=c", 8443, "/a?b=c"),
        ("https://HOOKS.Partner.example/a", 443, "/a"),
        ("https://xn--bcher-kva.example/a", 443, "/a"),
    ],
)
def test_plain_addresses_are_welcome(address, port, target):
    place = addresses.read(address)

    assert (place.port, place.target) == (port, target)
