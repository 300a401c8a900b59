"""A zone as other servers get it: static data alone, with each pool as all of it.

A name that is bound to a pool has the addresses of all members whose weight is not 0,
those of nested pools included, whatever their health: the same for everybody, at any
time, until the config changes.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dinamed.config.settings import PoolSettings
from dinamed.transfers.records import Record
from dinamed.wire.constants import Type
from dinamed.zones.model import RRset
from dinamed.zones.packed import Node, PackedZone


@dataclass(frozen=True)
class View:
    """One version of a zone, immutable."""

    zone: PackedZone
    pools: Mapping[str, tuple[RRset, ...]] = field(default_factory=dict)

    @property
    def serial(self) -> int:
        """The serial of the SOA."""
        return self.zone.serial

    @property
    def soa(self) -> Record:
        """The SOA."""
        soa = self.zone.soa
        return Record(self.zone.origin, Type.SOA, soa.ttl, soa.rdatas[0])

    @property
    def stamp(self) -> object:
        """What differs between versions beside the zone and its pools."""
        return None

    def rrsets(self, node: Node) -> Iterator[RRset]:
        """The RRsets of a name, without SOA."""
        for rrset in node.rrsets.values():
            if rrset.type == Type.RRSIG:
                yield from _signatures(node, rrset)
            elif rrset.type != Type.SOA:
                yield rrset
        if node.pool is not None:
            yield from self.pools.get(node.pool, ())

    def records(self) -> Iterator[Record]:
        """All records but the SOA."""
        origin = self.zone.origin
        for key, node in self.zone.nodes():
            owner = key + origin
            for rrtype, ttl, rdatas in self.rrsets(node):
                for rdata in rdatas:
                    yield Record(owner, rrtype, ttl, rdata)


def _signatures(node: Node, rrset: RRset) -> Iterator[RRset]:
    """Signatures have the TTL of what they cover (RFC 4034 section 3)."""
    by_ttl: dict[int, list[bytes]] = {}
    for rdata in rrset.rdatas:
        covered = node.get(int.from_bytes(rdata[:2]))
        ttl = rrset.ttl if covered is None else covered.ttl
        by_ttl.setdefault(ttl, []).append(rdata)
    for ttl, rdatas in by_ttl.items():
        yield RRset(Type.RRSIG, ttl, tuple(rdatas))


def static_pools(pools: Iterable[PoolSettings]) -> dict[str, tuple[RRset, ...]]:
    """The addresses of each pool as it is transferred, with the pool's (lowest) TTL."""
    known = {pool.name: pool for pool in pools}
    return {name: _rrsets(pool, known) for name, pool in known.items()}


def static_texts(pools: Iterable[PoolSettings]) -> dict[str, RRset]:
    """The text of each pool as a signed zone has it: one record a member."""
    found = {}
    for pool in pools:
        names = sorted({member.name for member in pool.members})
        rdatas = []
        for name in names:
            text = f"serviced by {name}".encode()[:255]
            rdatas.append(bytes((len(text),)) + text)
        if rdatas:
            found[pool.name] = RRset(int(Type.TXT), pool.ttl.low, tuple(rdatas))
    return found


def _rrsets(pool: PoolSettings, known: Mapping[str, PoolSettings]) -> tuple[RRset, ...]:
    packed = sorted(set(_addresses(pool, known, set())))
    found = []
    for rrtype, size in ((Type.A, 4), (Type.AAAA, 16)):
        rdatas = tuple(one for one in packed if len(one) == size)
        if rdatas:
            found.append(RRset(int(rrtype), pool.ttl.low, rdatas))
    return tuple(found)


def _addresses(
    pool: PoolSettings, known: Mapping[str, PoolSettings], seen: set[str]
) -> Iterator[bytes]:
    """The addresses of a pool's members; none for a pool that was seen before."""
    seen.add(pool.name)
    for member in pool.members:
        if member.weight == 0:
            continue
        for address in member.addresses:
            yield ipaddress.ip_address(address).packed
        inner = known.get(member.pool) if member.pool is not None else None
        if inner is not None and inner.name not in seen:
            yield from _addresses(inner, known, seen)
