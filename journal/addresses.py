"""Which addresses a webhook may go to: named, https, and out in the world.

A partner writes an address; the product's own network must not answer it. An address is
read twice: its words when it is registered (`read`), what its name stands for each time
something is sent (`found`). ADR 18 says what is refused and why.
"""

import re
import socket
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

MOST = 400
PORTS = {443, 8443}
LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
# Names that never lead out of a network, whatever a resolver says.
INSIDE = {"localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa"}
# What `ipaddress` calls global although it leads inside, or wraps another address.
NOT_OUTSIDE = [
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # a cloud's metadata on a public address
        "192.0.0.0/24",  # protocols' own
        "192.88.99.0/24",  # relays of 6to4
        "::/96",  # compatible with IPv4
        "::ffff:0:0/96",  # mapped from IPv4
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64 of one network
        "2001::/23",  # Teredo, ORCHID, benchmarks
        "2002::/16",  # 6to4
        "3fff::/20",  # documents' own
        "fec0::/10",  # site-local
    )
]
OUTSIDE_V6 = ip_network("2000::/3")


@dataclass(frozen=True)
class Place:
    """An address that may be asked: where it is, and what is asked for there."""

    scheme: str
    host: str
    port: int
    target: str


class Unsafe(Exception):
    """A name that stands for nothing, or for an address that may not be asked."""


def read(address: str, *, loopback: Collection[str] = ()) -> Place:
    """The place that an address names: https, a name, port 443 or 8443.

    `loopback` lists what may be asked on this machine besides, as 127.0.0.1:8790, also
    in plain HTTP. Refuses everything else (code address).
    """
    if len(address) > MOST or not re.fullmatch(r"[!-\[\]-~]+", address):
        raise _refused("Write the address in plain letters, without spaces.")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("This is not an address.") from None
    if "@" in parts.netloc:
        raise _refused("The address must not carry a name or password.")
    if parts.scheme in {"http", "https"} and f"{host}:{port}" in loopback:
        return Place(parts.scheme, host, port, _target(parts))
    if parts.scheme != "https":
        raise _refused("The address must begin with https://.")
    if parts.fragment or "#" in address:
        raise _refused("The address must not have a part behind #.")
    if parts.netloc.endswith(":") or (port or 443) not in PORTS:
        raise _refused("The address must use port 443 or 8443.")
    if not _is_name(host):
        raise _refused("The address must name a public host, as hooks.example.com.")
    return Place("https", host, port or 443, _target(parts))


def found(place: Place, *, loopback: Collection[str] = ()) -> str:
    """The one numeric address to connect to: every answer of the resolver is checked.

    Fails closed, with Unsafe, when there is none or when any of them leads inside.
    """
    if f"{place.host}:{place.port}" in loopback:
        return place.host
    try:
        answers = socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except (OSError, UnicodeError):
        raise Unsafe(f"The name {place.host} was not found.") from None
    numbers = [answer[4][0] for answer in answers]
    if not numbers:
        raise Unsafe(f"The name {place.host} was not found.")
    if not all(map(is_outside, numbers)):
        raise Unsafe(f"The name {place.host} leads to an address that is not public.")
    return numbers[0]


def is_outside(number: str) -> bool:
    """Whether a numeric address is a plain public one."""
    try:
        found = ip_address(number)
    except ValueError:
        return False
    if found.version == 6 and (found.scope_id or found not in OUTSIDE_V6):
        return False
    inside = found.is_multicast or found.is_reserved or not found.is_global
    return not inside and not any(found in network for network in NOT_OUTSIDE)


def _is_name(host: str) -> bool:
    """A dotted name; a last label that begins with a digit is a number in disguise."""
    labels = host.split(".")
    return (
        len(labels) > 1
        and len(host) <= 253
        and all(LABEL.fullmatch(label) for label in labels)
        and labels[-1] not in INSIDE
        and labels[-1][0].isalpha()
    )


def _target(parts) -> str:
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


def _refused(why):
    return ValidationError(why, code="address")
