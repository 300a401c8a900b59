"""Round trips that others have measured and send in.

A sample is a table with `pool`, `member`, `client` (an address, or a prefix of at least
/24 or /48), `rtt` in milliseconds, and perhaps `count` (how many measurements it is the
mean of) and `at` (Unix time).  Whoever measures is not asked: mirrors read their own
TCP connections, and beacons in pages tell the mirror.
"""

from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_interface
from math import isfinite
from socket import AF_INET, AF_INET6, inet_pton

from dinamed.config.values import shown
from dinamed.geo.place import Place
from dinamed.steering.recent import MOST_MS
from dinamed.steering.round_trips import KEEP, RoundTrips, network_of

MAX_ITEMS = 20_000
"""Samples in one message."""

MOST_COUNT = 2**31
AHEAD = 60.0
"""Seconds by which the clock of a sender may be ahead of ours."""

MAPPED = bytes(10) + b"\xff\xff"
"""How an IPv4 address begins that is written as one of IPv6."""

_KEYS = frozenset(("pool", "member", "client", "rtt", "count", "at"))


class Samples:
    """Takes samples into the table of round trips.

    `members` says which members each pool has, `locate` where a packed address is.
    """

    def __init__(
        self,
        table: RoundTrips,
        members: Callable[[], Mapping[str, frozenset[str]]],
        locate: Callable[[bytes], Place],
    ) -> None:
        self._table = table
        self._members = members
        self._locate = locate

    def take(self, items: object, now: float) -> dict[int, str]:
        """Take a message at once; says by index why samples were not taken.

        @raise ValueError: as `taking` does.
        """
        told = enumerate(self.taking(items, now))
        return {index: why for index, why in told if why}

    def taking(self, items: object, now: float) -> Iterator[str]:
        """Take a message: a list of samples, or one sample for a list of one.

        What is sound is taken, one with each step, as a message may hold very many; a
        step tells why its sample was not, and nothing of one that was.

        @raise ValueError: it is neither, or the list is too long; this at once.
        """
        listed = [items] if isinstance(items, dict) else items
        if not isinstance(listed, list):
            raise ValueError("expected a sample or a list of samples")
        if len(listed) > MAX_ITEMS:
            raise ValueError(f"more than {MAX_ITEMS} samples at once")
        members = self._members()
        return (self._outcome(item, members, now) for item in listed)

    def _outcome(
        self, item: object, members: Mapping[str, frozenset[str]], now: float
    ) -> str:
        try:
            self._take(item, members, now)
        except ValueError as error:
            return str(error)
        return ""

    def _take(
        self, item: object, members: Mapping[str, frozenset[str]], now: float
    ) -> None:
        if not isinstance(item, dict):
            raise ValueError(f"expected a table, got {shown(item)}")
        for key in item:
            if key not in _KEYS:
                raise ValueError(f"unknown key {shown(key)}")
        pool, member = item.get("pool"), item.get("member")
        if not isinstance(pool, str) or pool not in members:
            raise ValueError(f"no pool {_shown(pool)}")
        if not isinstance(member, str) or member not in members[pool]:
            raise ValueError(f"pool {shown(pool)} has no member {_shown(member)}")
        address, network = _client(item.get("client"))
        ms = _number(item, "rtt")
        if ms is None or not 0 < ms <= MOST_MS:
            raise ValueError(f"rtt is not a number from 0 to {MOST_MS:g} ms")
        count = item.get("count", 1)
        if type(count) is not int or not 1 <= count <= MOST_COUNT:
            raise ValueError("count is not a whole number of at least 1")
        at = now if item.get("at") is None else _number(item, "at")
        if at is None or not now - KEEP <= at <= now + AHEAD:
            raise ValueError("at is not a Unix time of the last seven days")
        place = self._locate(address)
        self._table.add((pool, member), network, ms, count, min(at, now), place)


def _client(text: object) -> tuple[bytes, bytes]:
    """The packed address and the network of a client."""
    if not isinstance(text, str):
        raise ValueError(f"client is not an address or a prefix: {_shown(text)}")
    plain = _plain(text)
    if plain is not None:
        return plain
    try:
        given = ip_interface(text)
    except ValueError:
        raise ValueError(
            f"client is not an address or a prefix: {shown(text)}"
        ) from None
    if "%" in text:
        raise ValueError(f"client is not an address or a prefix: {shown(text)}")
    packed = given.ip.packed
    mapped = getattr(given.ip, "ipv4_mapped", None)
    prefix = given.network.prefixlen
    if mapped is not None:
        packed, prefix = mapped.packed, prefix - 96
    network = network_of(packed, prefix)
    if network is None:
        least = "/24" if len(packed) == 4 else "/48"
        raise ValueError(f"client is a network larger than {least}: {shown(text)}")
    return packed, network


def _plain(text: str) -> tuple[bytes, bytes] | None:
    """The same for what is written as nearly all are; None for anything else."""
    host, slash, bits = text.partition("/")
    try:
        packed = inet_pton(AF_INET6 if ":" in host else AF_INET, host)
    except (OSError, ValueError):
        return None
    most = 8 * len(packed)
    if slash and not (bits.isascii() and bits.isdigit() and int(bits) <= most):
        return None
    if packed.startswith(MAPPED):
        return None
    network = network_of(packed, int(bits) if slash else most)
    return None if network is None else (packed, network)


def _number(item: Mapping[str, object], key: str) -> float | None:
    value = item.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


def _shown(value: object) -> str:
    return "nothing" if value is None else shown(value)
