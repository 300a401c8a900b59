"""What attackers send: packets changed by chance, forged options, odd names, frames."""

import random
import struct
from collections.abc import Callable

import dns.edns
import dns.message
import dns.opcode

from tests.daemon.scenario import ZONE

Packets = Callable[[random.Random], bytes]

_NAMES = ("", "www.", "ftp.", "login.", "x.cdn.", "lab.", "mgmt.", "_status.", "big.")
_TYPES = ("A", "AAAA", "TXT", "ANY", "HTTPS", "SOA", "AXFR", "IXFR", "DS")


def _good() -> list[bytes]:
    """Queries of all kinds, to be changed."""
    found = []
    options = [
        dns.edns.ECSOption("198.51.100.0", 24),
        dns.edns.GenericOption(dns.edns.OptionType.COOKIE, bytes(range(24))),
        dns.edns.NSIDOption(b""),
        dns.edns.GenericOption(dns.edns.OptionType.KEEPALIVE, b""),
    ]
    for number, name in enumerate(_NAMES):
        for rdtype in _TYPES:
            query = dns.message.make_query(f"{name}{ZONE}.", rdtype, flags=0x0100)
            found.append(query.to_wire())
            query.use_edns(0, options=options[: number % 5], payload=4096)
            found.append(query.to_wire())
    for opcode in (dns.opcode.NOTIFY, dns.opcode.UPDATE):
        message = dns.message.make_query(f"{ZONE}.", "SOA", flags=0)
        message.set_opcode(opcode)
        found.append(message.to_wire())
    return found


GOOD = _good()


def mutated(rng: random.Random) -> bytes:
    """A good query with octets changed, cut, doubled, or put together from two."""
    packet = bytearray(rng.choice(GOOD))
    for _ in range(rng.randrange(1, 6)):
        kind = rng.randrange(6)
        place = rng.randrange(2, max(3, len(packet)))
        if kind == 0:
            packet[place : place + 1] = rng.randbytes(1)
        elif kind == 1:
            del packet[place:]
        elif kind == 2:
            packet[place:place] = rng.randbytes(rng.randrange(1, 12))
        elif kind == 3:
            packet[4:12] = struct.pack("!4H", *rng.choices((0, 1, 2, 65535), k=4))
        elif kind == 4:
            packet += rng.choice(GOOD)[rng.randrange(2, 20) :]
        else:
            packet[place : place + 2] = (0xC000 | rng.randrange(80)).to_bytes(2)
    return bytes(packet[:4000])


def garbage(rng: random.Random) -> bytes:
    """Octets of no meaning, as many as a datagram may have."""
    return rng.randbytes(rng.choice((1, 11, 12, 13, 40, 200, 512, 1400, 4096)))


def _query(name: str, rdtype: str, option: dns.edns.Option) -> bytes:
    query = dns.message.make_query(f"{name}.{ZONE}.", rdtype, flags=0)
    query.use_edns(0, options=[option])
    return query.to_wire()


_COOKIED = _query(
    "ftp", "A", dns.edns.GenericOption(dns.edns.OptionType.COOKIE, bytes(24))
)
_SUBNET_4 = _query("login", "A", dns.edns.ECSOption("198.51.100.0", 24))
_SUBNET_6 = _query("login", "A", dns.edns.ECSOption("2001:db8:1:200::", 56))


def forged_cookie(rng: random.Random) -> bytes:
    """A query with a server cookie that nobody has made."""
    return (
        rng.randbytes(2)
        + _COOKIED[2:-24]
        + rng.randbytes(8)
        + b"\1"
        + bytes(3)
        + rng.randbytes(12)
    )


def subnets(rng: random.Random) -> bytes:
    """A query for a network that was never seen."""
    if rng.random() < 0.5:
        return rng.randbytes(2) + _SUBNET_4[2:-3] + rng.randbytes(3)
    return rng.randbytes(2) + _SUBNET_6[2:-7] + rng.randbytes(7)


def random_names(rng: random.Random) -> bytes:
    """A name that does not exist, or that a wildcard stands for."""
    label = rng.randbytes(8).hex()
    below = rng.choice(("", "cdn.", "wild.", "lab.", "www."))
    name = b"".join(
        bytes((len(part),)) + part
        for part in f"{label}.{below}{ZONE}".encode().split(b".")
    )
    header = rng.randbytes(2) + b"\0\0\0\1\0\0\0\0\0\0"
    return header + name + b"\0" + rng.choice((b"\0\1", b"\0\x10")) + b"\0\1"


def forged_tsig(rng: random.Random) -> bytes:
    """A query, transfer, notify or update signed with a key that nobody has."""
    packet = bytearray(rng.choice(GOOD))
    packet[10:12] = (int.from_bytes(packet[10:12]) + 1).to_bytes(2)
    packet[2] = rng.choice((0, 0, 0x20, 0x28))
    mac = rng.randbytes(rng.choice((0, 10, 16, 32)))
    rdata = (
        rng.choice((b"\x0bhmac-sha256\0", b"\3md5\0", b"\xc0\x0c"))
        + bytes(2)
        + rng.randbytes(4)
        + b"\1\x2c"
        + len(mac).to_bytes(2)
        + mac
        + bytes(packet[:2])
        + bytes(4)
    )
    name = rng.choice((b"\3key\0", b"\0", b"\xc0\x0c"))
    return (
        bytes(packet) + name + b"\0\xfa\0\xff\0\0\0\0" + len(rdata).to_bytes(2) + rdata
    )
