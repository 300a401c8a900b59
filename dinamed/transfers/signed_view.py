"""A zone that is signed here, as other servers get it: whole, with all signatures.

Pools are all their addresses and names, as in `view`; names that answer by themselves
are there too, with a text, for they are in the chain.  The signatures are those of one
moment: the begin of the slot that the serial tells of.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dinamed.dnssec.ahead import MADE_HERE
from dinamed.dnssec.online import OnlineZone
from dinamed.transfers.records import Record
from dinamed.transfers.view import View
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.zones.model import RRset
from dinamed.zones.packed import Node

TEXT_TTL = 1
_COPY = RRset(int(Type.TXT), TEXT_TTL, (b"\x0fsee the primary",))


@dataclass(frozen=True)
class SignedView(View):
    """One version of a signed zone; `online` signs as of its moment."""

    online: OnlineZone = field(kw_only=True)
    texts: Mapping[str, RRset] = field(default_factory=dict)
    """What the name of each pool has as TXT."""

    @property
    def serial(self) -> int:
        """Of the SOA."""
        return int.from_bytes(self.soa.rdata[-20:-16], "big")

    @property
    def soa(self) -> Record:
        """The SOA, with the serial that goes up with each refresh."""
        soa = self.online.apex.get(Type.SOA) or self.zone.soa
        return Record(self.zone.origin, Type.SOA, soa.ttl, soa.rdatas[0])

    @property
    def stamp(self) -> object:
        """What differs where the signatures do."""
        return self.online.apex, self.online.signer.seconds()

    def records(self) -> Iterator[Record]:
        """All records but the SOA."""
        origin = self.zone.origin
        soa = self.online.apex.get(Type.SOA) or self.zone.soa
        yield from self._signatures(origin, self.zone.apex, soa)
        for key, node in self.zone.nodes():
            yield from self._name(key + origin, node)
        for key, virtual in self.online.denial.names.virtual.items():
            yield from self._name(key + origin, virtual.node, bool(virtual.own))

    def _name(self, owner: WireName, node: Node, own: bool = False) -> Iterator[Record]:
        for rrset in self._rrsets(node, own):
            for rdata in rrset.rdatas:
                yield Record(owner, rrset.type, rrset.ttl, rdata)
            yield from self._signatures(owner, node, rrset)
        nsec = self.online.nsec(owner)
        if nsec is not None and nsec.signatures is not None:
            for signed in (nsec.rrset, nsec.signatures):
                for rdata in signed.rdatas:
                    yield Record(owner, signed.type, signed.ttl, rdata)

    def _signatures(
        self, owner: WireName, node: Node, rrset: RRset
    ) -> Iterator[Record]:
        if not self.online.signs(node, rrset.type):
            return
        for rdata in self.online.signer.rrsigs(owner, rrset):
            yield Record(owner, Type.RRSIG, rrset.ttl, rdata)

    def _rrsets(self, node: Node, own: bool) -> Iterator[RRset]:
        if not node.key:
            for rrtype, rrset in self.online.apex.items():
                if rrtype != Type.SOA:
                    yield rrset
        for rrset in node.rrsets.values():
            if rrset.type not in MADE_HERE and rrset.type != Type.SOA:
                yield rrset
        if node.pool is not None:
            yield from self.pools.get(node.pool, ())
            if node.pool in self.texts and node.get(Type.TXT) is None:
                yield self.texts[node.pool]
        if own:
            yield _COPY
