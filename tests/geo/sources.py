"""Sources of places and addresses for the tests of this room."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network

from hypothesis import strategies as st

from dinamed.geo.place import Place
from dinamed.geo.prefixes import Network

# Few addresses, close to each other, so that prefixes meet; and the four kinds of
# IPv6 addresses that hold an IPv4 one, with their neighbours.
_V4 = ("192.0.2.0", "192.0.3.128", "198.51.100.7", "0.0.0.1", "255.255.255.255")
_V6 = (
    "2001:db8::1",
    "2001:db8:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:1::1",
    "2002:c000:204::1",
    "2003::1",
    "64:ff9b::c000:204",
    "::ffff:192.0.2.4",
    "::fffe:0:1",
    "::1",
)


def packed(text: str) -> bytes:
    """The octets of an address."""
    return ip_address(text).packed


@st.composite
def addresses(draw: st.DrawFn, family: int | None = None) -> bytes:
    """Packed addresses, near to those above or anywhere."""
    texts = _V4 if family == 4 else _V6 if family == 6 else _V4 + _V6
    address = packed(draw(st.sampled_from(texts)))
    size = len(address) * 8
    bits = draw(st.integers(0, size))
    noise = draw(st.integers(0, (1 << bits) - 1))
    return (int.from_bytes(address) ^ noise).to_bytes(len(address))


@st.composite
def networks(draw: st.DrawFn, family: int | None = None) -> Network:
    """Prefixes of any length around such addresses."""
    address = draw(addresses(family))
    length = draw(st.integers(1, len(address) * 8))
    return ip_network((cut(address, length), length))


def cut(address: bytes, length: int) -> bytes:
    """The address with only its first `length` bits."""
    rest = len(address) * 8 - length
    return (int.from_bytes(address) >> rest << rest).to_bytes(len(address))


def neighbour(address: bytes, length: int, noise: int) -> bytes:
    """Another address with the same first `length` bits."""
    rest = len(address) * 8 - length
    return (int.from_bytes(address) ^ noise & (1 << rest) - 1).to_bytes(len(address))


class Told:
    """A source that says what it was told, for every address of a family alike."""

    def __init__(self, places: Mapping[str, tuple[Place | None, int]]) -> None:
        self.places = {packed(text): found for text, found in places.items()}
        self.asked: list[bytes] = []

    def look_up(self, address: bytes) -> tuple[Place | None, int]:
        """What it was told of this very address; else nothing, about all."""
        self.asked.append(address)
        return self.places.get(address, (None, 0))
