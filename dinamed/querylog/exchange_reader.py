"""Exchanges (answered queries) for the query log, and what the log says of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from dinamed.geo.locator import Locator
from dinamed.geo.place import NOWHERE, Place
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.members import Member
from dinamed.pools.pool import FAMILIES, PoolView
from dinamed.transfers.records import AnyRecord, RecordReader
from dinamed.wire.constants import EdnsOption, Type
from dinamed.wire.names import WireName
from dinamed.wire.query import Query, read_query
from dinamed.wire.question import FormatError
from dinamed.zones.packed import MatchKind

ADDRESSES = frozenset({Type.A, Type.AAAA})


class Exchange(NamedTuple):
    """A query and its reply.

    `time` is Unix time in seconds, `source` the packed address of the sender, `port`
    its port (0: not known); `stream` tells that it came over TCP or TLS.
    """

    time: float
    source: bytes
    port: int
    stream: bool
    query: bytes
    reply: bytes


@dataclass(frozen=True)
class ReadExchange:
    """An exchange with everything that the log says about it.

    `query` is None for what is malformed.  `zone` is the origin of the zone that the
    name is in, `pool` the pool whose members the answer names, `members` these,
    `scope` the length of the prefix that the answer holds for (RFC 7871), -1 if it does
    not say.
    """

    exchange: Exchange
    query: Query | None
    rcode: int
    zone: WireName | None = None
    pool: PoolView | None = None
    members: tuple[str, ...] = ()
    scope: int = -1
    place: Place = NOWHERE


class ExchangeReader:
    """Reads exchanges by one snapshot; for one thread alone."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        # What a locator remembers is not for several threads.
        locator = snapshot.locator
        self._locator = Locator(locator.networks, locator.databases)

    def see(self, exchange: Exchange) -> ReadExchange:
        """Read one.  Never raises, as the octets come from the network."""
        query = read_query(exchange.query)
        answers, options, high = _read(exchange.reply)
        rcode = high << 4 | exchange.reply[3] & 0xF
        if not isinstance(query, Query):
            return ReadExchange(exchange, None, rcode)
        zone = self.snapshot.zones.zone_for(query.question.key)
        pool, members = self._chosen(answers)
        if pool is None and query.question.type in ADDRESSES:
            pool = self._lacking(query.question.key, answers)
        return ReadExchange(
            exchange,
            query,
            rcode,
            None if zone is None else zone.origin,
            pool,
            members,
            _scope(options),
            self._place(exchange, query),
        )

    def _chosen(
        self, answers: list[AnyRecord]
    ) -> tuple[PoolView | None, tuple[str, ...]]:
        """The pool at the owner of the addresses, and its members that have them."""
        owners = {one.owner.lower() for one in answers if one.type in ADDRESSES}
        for owner in owners:
            zone = self.snapshot.zones.zone_for(owner)
            name = None if zone is None else zone.find(owner).node.pool
            pool = None if name is None else self.snapshot.pools.get(name)
            if pool is not None:
                given = {one.rdata for one in answers}
                named = (
                    member.name
                    for member in hosts_of(pool)
                    if not given.isdisjoint(member.addresses(0))
                )
                return pool, tuple(dict.fromkeys(named))
        return None, ()

    def _lacking(self, asked: WireName, answers: list[AnyRecord]) -> PoolView | None:
        """The pool that had no address to give: at the name, or where aliases lead."""
        name = asked
        for record in answers:
            if record.type == Type.CNAME and record.owner.lower() == name:
                name = record.rdata.lower()
        zone = self.snapshot.zones.zone_for(name)
        if zone is None:
            return None
        match = zone.find(name)
        if match.kind not in (MatchKind.EXACT, MatchKind.WILDCARD):
            return None
        pool = match.node.pool
        return None if pool is None else self.snapshot.pools.get(pool)

    def _place(self, exchange: Exchange, query: Query) -> Place:
        subnet = None if query.edns is None else query.edns.subnet
        if subnet is not None and self.snapshot.honours_subnet_from(exchange.source):
            return self.locate(subnet.packed, subnet.source)
        source = exchange.source
        return self.locate(source, len(source) * 8)

    def locate(self, address: bytes, prefix: int) -> Place:
        """Where a client is of whose packed address so many bits are known."""
        return self._locator.locate(address, prefix).place


def hosts_of(pool: PoolView) -> Iterator[Member]:
    """The members of a pool, and those of the pools inside."""
    for family in FAMILIES:
        fallback = pool.fallback(family)
        if fallback is not None:
            yield from hosts_of(fallback)
    for member in pool.members:
        inner = pool.inner(member)
        if inner is None:
            yield member
        else:
            yield from hosts_of(inner)


def _read(reply: bytes) -> tuple[list[AnyRecord], bytes, int]:
    """The answer section, the options of the OPT record, and the upper rcode bits."""
    try:
        reader = RecordReader(reply)
        counts = reader.counts
        answers = list(reader.any_records(counts.answers))
        rest = counts.authorities + counts.additionals
        for record in reader.any_records(rest):
            if record.type == Type.OPT:
                start = reader.position + 11  # of the root, and the fixed fields
                high = reply[start - 6]
                return answers, record.rdata, high
    except FormatError:
        return [], b"", 0
    return answers, b"", 0


def _scope(options: bytes) -> int:
    position = 0
    while position + 8 <= len(options):
        code = int.from_bytes(options[position : position + 2])
        if code == EdnsOption.CLIENT_SUBNET:
            return options[position + 7]
        position += 4 + int.from_bytes(options[position + 2 : position + 4])
    return -1
