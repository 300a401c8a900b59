"""Zones that were signed elsewhere: RRSIG, NSEC and NSEC3 records of their data."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from dinamed.dnssec.hashing import hashed_key
from dinamed.dnssec.secured import Proof, SecuredZone, Signed
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, ancestors, is_within, parent, relative
from dinamed.zones.canonical import canonical_key
from dinamed.zones.chain import HashRule, hash_rule
from dinamed.zones.layout import WILDCARD, ZoneFlag
from dinamed.zones.model import RRset
from dinamed.zones.packed import MatchKind, Node, PackedZone, ZoneMatch


def presigned(zone: PackedZone) -> SecuredZone | None:
    """The signatures and proofs that a zone contains; None if it is not signed."""
    if not zone.signed:
        return None
    rule = hash_rule(zone.apex.rrsets) if zone.flags & ZoneFlag.HASHED else None
    return ByName(zone) if rule is None else ByHash(zone, rule)


def covering(node: Node, rrset: RRset) -> RRset | None:
    """The signatures of an RRset among the RRSIG records of its node."""
    signatures = node.get(Type.RRSIG)
    if signatures is None:
        return None
    covered = rrset.type.to_bytes(2)
    rdatas = tuple(one for one in signatures.rdatas if one.startswith(covered))
    return RRset(Type.RRSIG, rrset.ttl, rdatas) if rdatas else None


class _Presigned:
    """What both kinds of chains have in common."""

    _type = 0
    """Of the records of the chain."""

    def __init__(self, zone: PackedZone) -> None:
        self._zone = zone

    @property
    def zone(self) -> PackedZone:
        """The zone with its records."""
        return self._zone

    def signatures(self, node: Node, rrset: RRset) -> RRset | None:
        """See `SecuredZone`."""
        return covering(node, rrset)

    def _links(self, nodes: Iterable[Node | None]) -> Proof:
        """The chain's records at some nodes, each once."""
        found: dict[int, Signed] = {}
        for node in nodes:
            link = node.get(self._type) if node is not None else None
            if node is not None and link is not None:
                owner = node.key + self._zone.origin
                found[node.offset] = Signed(owner, link, covering(node, link))
        return tuple(found.values())

    def _before(self, wanted: bytes) -> Node | None:
        """The node of the chain that stands at or before a place in its order."""
        chain = self._zone.chain
        return self._zone.node_at(chain[self._place(wanted)]) if chain else None

    def _place(self, wanted: bytes) -> int:
        """The place in the chain of who stands at or before another place."""
        # Before the first is the last.
        return bisect_right(self._zone.chain, wanted, key=self._order) - 1

    def _order(self, offset: int) -> bytes:
        raise NotImplementedError


class ByName(_Presigned):
    """A zone with NSEC records."""

    _type = Type.NSEC

    def no_data(self, name: WireName, match: ZoneMatch, rrtype: int) -> Proof:
        """See `SecuredZone`."""
        if match.kind is MatchKind.WILDCARD:
            return self._links((match.node, self._cover(name)))
        # An empty name has no record of its own: the one before it tells of it.
        own = match.node if match.node.get(Type.NSEC) else self._cover(name)
        return self._links((own,))

    def no_name(self, name: WireName, match: ZoneMatch) -> Proof:
        """See `SecuredZone`."""
        return self._links((self._cover(name), self._cover(WILDCARD + match.name)))

    def expanded(self, name: WireName, match: ZoneMatch) -> Proof:
        """See `SecuredZone`."""
        return self._links((self._cover(name),))

    def unsigned_cut(self, match: ZoneMatch) -> Proof:
        """See `SecuredZone`."""
        return self._links((match.node,))

    def place(self, key: bytes) -> int:
        """The place in the chain of a relative key, or of the last one before it."""
        return self._place(canonical_key(key))

    def order(self) -> list[bytes]:
        """What the owners sort by, in order: the apex, which is empty, first."""
        return [self._order(offset) for offset in self._zone.chain]

    def _cover(self, name: WireName) -> Node | None:
        return self._before(canonical_key(relative(name, self._zone.origin)))

    def _order(self, offset: int) -> bytes:
        return canonical_key(self._zone.node_at(offset).key)


class ByHash(_Presigned):
    """A zone with NSEC3 records."""

    _type = Type.NSEC3

    def __init__(self, zone: PackedZone, rule: HashRule) -> None:
        super().__init__(zone)
        self._rule = rule

    def no_data(self, name: WireName, match: ZoneMatch, rrtype: int) -> Proof:
        """See `SecuredZone`."""
        if match.kind is MatchKind.WILDCARD:
            closest = parent(match.name)
            nodes = (self._at(closest), self._next_closer(name, closest))
            return self._links((*nodes, self._at(match.name)))
        return self._exact(name)

    def no_name(self, name: WireName, match: ZoneMatch) -> Proof:
        """See `SecuredZone`."""
        wildcard = self._cover(WILDCARD + match.name)
        closer = self._next_closer(name, match.name)
        return self._links((self._at(match.name), closer, wildcard))

    def expanded(self, name: WireName, match: ZoneMatch) -> Proof:
        """See `SecuredZone`."""
        return self._links((self._next_closer(name, parent(match.name)),))

    def unsigned_cut(self, match: ZoneMatch) -> Proof:
        """See `SecuredZone`."""
        return self._exact(match.name)

    def _exact(self, name: WireName) -> Proof:
        """The record of a name that exists; that it may have none, if it has none.

        The latter are names that a chain with Opt-Out leaves out: the closest one above
        with a record is given, and the one that covers what comes next to it
        (RFC 5155 sections 7.2.4 and 7.2.7).
        """
        closer = name
        for above in ancestors(name):
            if not is_within(above, self._zone.origin):
                break
            node = self._at(above)
            if node is not None:
                cover = None if above == name else self._cover(closer)
                return self._links((node, cover))
            closer = above
        return ()

    def _next_closer(self, name: WireName, closest: WireName) -> Node | None:
        """The record covering the name one label longer than the closest encloser."""
        closer = name
        while parent(closer) != closest:
            closer = parent(closer)
        return self._cover(closer)

    def _at(self, name: WireName) -> Node | None:
        """The record of a name, if the chain has one."""
        node = self._zone.node(hashed_key(name, self._rule))
        return node if node is not None and node.get(Type.NSEC3) else None

    def _cover(self, name: WireName) -> Node | None:
        return self._before(hashed_key(name, self._rule))

    def _order(self, offset: int) -> bytes:
        return self._zone.node_at(offset).key


def all_presigned(
    zones: Iterable[PackedZone],
) -> Iterator[tuple[WireName, SecuredZone]]:
    """The zones that came signed, by their origins."""
    for zone in zones:
        secured = presigned(zone)
        if secured is not None:
            yield zone.origin, secured
