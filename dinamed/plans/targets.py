"""Which label stands for a name, for a client: the rule of geodns.

For each target of the client, from the narrowest to the widest, the label with that
target is looked at: an alias leads to another label, which is gone through in the same
way; a CNAME comes next, then records of the type that is asked for.  The first that
has anything to give is the answer.
"""

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from dinamed.geo.place import Place
from dinamed.geo.prefixes import PrefixTable
from dinamed.pools.context import Client
from dinamed.wire.constants import Type
from dinamed.zones.packed import Node, PackedZone
from dinamed.zones.targeting import SELF, Sample, Targeting

WHOLE = frozenset(
    {Type.SOA, Type.NS, Type.DS, Type.DNAME, Type.DNSKEY, Type.CDS, Type.CDNSKEY}
    | {Type.NSEC, Type.RRSIG}
)
"""Types that a zone or a name has for everybody."""

HasAddress = Callable[[str, int], bool]
"""Whether the pool of that name has anything for the type."""


class Leaf(NamedTuple):
    """Where the search ended: `type` is CNAME or what was asked for.

    With `pool` the answer comes from the node's pool, else it is its RRset.
    """

    key: bytes
    node: Node
    type: int
    pool: bool


class _SearchStep(NamedTuple):
    """A label to look at, or with `alias` one to go through with all targets."""

    key: bytes
    alias: bool


class TargetTable:
    """The targets of one zone, ready for look-ups."""

    def __init__(self, zone: PackedZone, targeting: Targeting) -> None:
        self._zone = zone
        self._targeting = targeting
        entries = [
            (ipaddress.ip_network(network), target)
            for network, target in targeting.networks.items()
        ]
        self._hosts = PrefixTable(e for e in entries if not _is_wide(e[0]))
        self._wide = PrefixTable(e for e in entries if _is_wide(e[0]))

    @property
    def by_address(self) -> bool:
        """Whether labels go by the client's address, and not by its place alone."""
        return "ip" in self._targeting.kinds

    def speaks_of(self, key: bytes, rrtype: int) -> bool:
        """Whether more than a plain look-up is needed for this label and type."""
        if rrtype in WHOLE:
            return False
        targeting = self._targeting
        samples = targeting.samples.get(key, {})
        return (
            key in targeting.heads
            or key in targeting.aliases
            or rrtype in samples
            or Type.CNAME in samples
        )

    def exists(self, key: bytes) -> bool:
        """Whether the label is one, though no record stands at it."""
        return key in self._targeting.heads or key in self._targeting.aliases

    def types(
        self, pools: Mapping[str, frozenset[int]]
    ) -> Mapping[bytes, frozenset[int]]:
        """All types that each label may answer for whomever, beside those at itself.

        `pools` has the types that a pool can answer, by its name.
        """
        found: dict[bytes, set[int]] = {}
        heads, aliases = self._targeting.heads, self._targeting.aliases
        for key, node in self._zone.nodes():
            types = set(node.types)
            if node.pool is not None:
                types |= pools[node.pool]
            for label in (key, _without_target(key)):
                if label in heads:
                    found.setdefault(label, set()).update(types)
        # An alias may lead to another one: as often as there are aliases.
        for _ in aliases:
            before = sum(map(len, found.values()))
            for key, target in aliases.items():
                types = found.get(target, set()) | self._at(target, pools)
                for label in (key, _without_target(key)):
                    if label == key or label in heads:
                        found.setdefault(label, set()).update(types)
            if sum(map(len, found.values())) == before:
                break
        return {key: frozenset(types) for key, types in found.items() if types}

    def _at(self, key: bytes, pools: Mapping[str, frozenset[int]]) -> set[int]:
        node = self._zone.node(key)
        if node is None:
            return set()
        return {*node.types, *(pools[node.pool] if node.pool is not None else ())}

    def sample(self, leaf: Leaf) -> Sample | None:
        """How many of the RRset's records are drawn; None: all are given."""
        return self._targeting.samples.get(leaf.key, {}).get(leaf.type)

    def targets(self, client: Client, place: Place) -> tuple[tuple[bytes, ...], int]:
        """The client's targets, in order, and the length of a prefix of the client in
        which everyone has the same ones by address."""
        found: list[bytes] = []
        scope = 0
        for kind in self._targeting.kinds:
            if kind == "ip":
                for table in (self._hosts, self._wide):
                    match = table.look_up(client.address)
                    scope = max(scope, match.scope)
                    if match.value is not None and match.length <= client.prefix:
                        found.append(match.value)
            elif kind == SELF:
                found.append(b"")
            else:
                word = _word(kind, place)
                if word:
                    found.append(bytes((len(word),)) + word.encode())
        return tuple(found), min(scope, client.prefix)

    def tailored(self, key: bytes) -> bool:
        """Whether the label depends on the client, itself or through aliases."""
        seen: set[bytes] = set()
        left = [key]
        targeting = self._targeting
        while left:
            key = left.pop()
            if key in targeting.heads:
                return True
            if key not in seen:
                seen.add(key)
                left += [targeting.aliases[key]] if key in targeting.aliases else []
        return False

    def search(
        self, key: bytes, rrtype: int, targets: tuple[bytes, ...], has: HasAddress
    ) -> Leaf | None:
        """The first that has anything for the type; None: NODATA."""
        # Text that is data comes before the text that a pool tells of itself.
        kinds = [_of_rrset, _of_pool] if rrtype == Type.TXT else [_of_either]
        for kind in kinds:
            for at, node in self._nodes(key, targets, set()):
                leaf = kind(at, node, rrtype, has)
                if leaf is not None:
                    return leaf
        return None

    def _nodes(
        self, key: bytes, targets: tuple[bytes, ...], seen: set[bytes]
    ) -> Iterator[tuple[bytes, Node]]:
        """The labels to look at, in order.

        One that was gone through already has nothing, or is on the way to itself.
        """
        path = [self._steps(key, targets, seen)]
        while path:
            step = next(path[-1], None)
            if step is None:
                path.pop()
            elif step.alias:
                path.append(self._steps(step.key, targets, seen))
            else:
                node = self._zone.node(step.key)
                if node is not None:
                    yield step.key, node

    def _steps(
        self, key: bytes, targets: tuple[bytes, ...], seen: set[bytes]
    ) -> Iterator[_SearchStep]:
        if key in seen:
            return
        seen.add(key)
        aliases = self._targeting.aliases
        for target in targets:
            at = key + target
            if at in aliases:
                yield _SearchStep(aliases[at], True)
            yield _SearchStep(at, False)


def _of_rrset(at: bytes, node: Node, rrtype: int, has: HasAddress) -> Leaf | None:
    for kind in (Type.CNAME, rrtype):
        if node.get(kind) is not None:
            return Leaf(at, node, int(kind), False)
    return None


def _of_pool(at: bytes, node: Node, rrtype: int, has: HasAddress) -> Leaf | None:
    if node.pool is not None and has(node.pool, rrtype):
        return Leaf(at, node, rrtype, True)
    return None


def _of_either(at: bytes, node: Node, rrtype: int, has: HasAddress) -> Leaf | None:
    return _of_rrset(at, node, rrtype, has) or _of_pool(at, node, rrtype, has)


def _without_target(key: bytes) -> bytes:
    """A label without its last part, which may be a target."""
    position = last = 0
    while position < len(key):
        last = position
        position += 1 + key[position]
    return key[:last]


def _is_wide(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return network.prefixlen < network.max_prefixlen


def _word(kind: str, place: Place) -> str | None:
    """The client's target of a kind; any word that is no kind is one of everybody."""
    match kind:
        case "asn":
            return None if place.asn is None else f"as{place.asn}"
        case "region":
            return place.region
        case "regiongroup":
            return place.region_group
        case "country":
            return place.country.lower() if place.country is not None else None
        case "continent":
            return place.continent
        case _:
            return kind
