"""A zone that is signed here, each RRset once it is asked for."""

from collections.abc import Mapping
from functools import cached_property
from hashlib import blake2b

from dinamed.dnssec.denial import Denial
from dinamed.dnssec.grid import HOUR
from dinamed.dnssec.secured import Proof, Signed
from dinamed.dnssec.signing import ZoneSigner
from dinamed.generations import Generations
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, relative
from dinamed.zones.layout import WILDCARD, NodeFlag
from dinamed.zones.model import RRset
from dinamed.zones.packed import MatchKind, Node, ZoneMatch

_BELOW = int(NodeFlag.BELOW_CUT | NodeFlag.BELOW_DNAME)
_CUT = int(NodeFlag.CUT)
_LINKS = 1 << 12
_Link = tuple[int, int, int | None]
"""The hour, the position, and the type that is left out."""


class OnlineZone:
    """Signatures and proofs of one zone: see `SecuredZone`.

    `apex` are the RRsets that signing adds to the apex, or puts there in place of what
    the zone's data have.
    """

    def __init__(
        self, signer: ZoneSigner, denial: Denial, apex: Mapping[int, RRset]
    ) -> None:
        self.signer = signer
        self.denial = denial
        self.apex = apex
        self.origin = signer.zone
        self._links: Generations[_Link, Signed] = Generations(_LINKS)

    @cached_property
    def keys_digest(self) -> str:
        """Eight octets of its DNSKEY records: the same where those are the same."""
        digest = blake2b(digest_size=8)
        for rdata in sorted(self.apex[int(Type.DNSKEY)].rdatas):
            digest.update(len(rdata).to_bytes(2) + rdata)
        return digest.hexdigest()

    def at(self, moment: float) -> "OnlineZone":
        """The same as it is signed at another moment."""
        return OnlineZone(self.signer.at(moment), self.denial, self.apex)

    def version_began(self, now: float) -> float:
        """When the version began that secondaries have of the zone at a moment."""
        grid = self.signer.grid
        return float(grid.version(now) * grid.refresh)

    def signs(self, node: Node, rrtype: int) -> bool:
        """Whether an RRset of this type at a node has signatures."""
        if node.flags & _BELOW:
            return False
        return rrtype == Type.DS or not node.flags & _CUT

    def signatures(self, node: Node, rrset: RRset) -> RRset | None:
        """The signatures of an RRset of a node, with its TTL; None if it has none."""
        if not self.signs(node, rrset.type):
            return None
        key = node.key
        whole = None if key else self.apex.get(rrset.type)
        if whole is None:
            whole = node.get(rrset.type) or rrset
        # What is sent may have a lower TTL than the signature tells.
        rrsigs = self.signer.rrsigs(key + self.origin, whole)
        return RRset(int(Type.RRSIG), rrset.ttl, rrsigs)

    def drawn(self, owner: WireName, rrset: RRset, ttl: int) -> tuple[bytes, ...]:
        """The signatures of what is made for one client, and sent with this TTL.

        `owner` is the wildcard where one stands for the name; `rrset.ttl` is the
        highest TTL that such answers are sent with.
        """
        ordered = RRset(rrset.type, max(ttl, rrset.ttl), tuple(sorted(rrset.rdatas)))
        return self.signer.rrsigs(owner, ordered)

    def made(self, owner: WireName, rrset: RRset) -> RRset:
        """The signatures of records that stand at another name of the zone."""
        rrsigs = self.drawn(owner, rrset, rrset.ttl)
        return RRset(int(Type.RRSIG), rrset.ttl, rrsigs)

    def denies_like(self, other: "OnlineZone") -> bool:
        """Whether another one's NSEC records and their signatures are the same."""
        one, two = self.signer, other.signer
        return (
            one.grid == two.grid
            and one.keys.signers(Type.NSEC) == two.keys.signers(Type.NSEC)
            and self.denial.is_like(other.denial)
        )

    def renewed(self, owner: WireName, rrtype: int) -> int:
        """When the signatures of an RRset are made anew next, Unix time."""
        grid = self.signer.grid
        return grid.slot(owner, rrtype, self.signer.seconds()) + grid.period

    def no_data(self, name: WireName, match: ZoneMatch, rrtype: int) -> Proof:
        """That the name, or the wildcard that stands for it, has not this type."""
        proof = self._at(match.name, rrtype)
        if match.kind is MatchKind.WILDCARD:
            return _each_once(proof, self._at(name))
        return (proof,)

    def no_name(self, name: WireName, match: ZoneMatch) -> Proof:
        """That the name does not exist, and no wildcard stands for it."""
        return _each_once(self._at(name), self._at(WILDCARD + match.name))

    def expanded(self, name: WireName, match: ZoneMatch) -> Proof:
        """That a wildcard had to stand for the name."""
        return (self._at(name),)

    def unsigned_cut(self, match: ZoneMatch) -> Proof:
        """That a delegation has no DS."""
        return (self._at(match.name),)

    def nsec(self, name: WireName) -> Signed | None:
        """The NSEC of a name; None if it owns none."""
        position = self.denial.matching(relative(name, self.origin))
        return None if position is None else self.link(position)

    def _at(self, name: WireName, without: int | None = None) -> Signed:
        """The NSEC of a name, less a type that it has not now, or that before it."""
        key = relative(name, self.origin)
        position = self.denial.position(key)
        if self.denial.key(position) != key:
            without = None
        return self.link(position, without)

    def link(self, position: int, without: int | None = None) -> Signed:
        """The NSEC at a position of the chain, less a type."""
        # Signatures change on the hour alone.
        known = (int(self.signer.seconds()) // HOUR, position, without)
        found = self._links.get(known)
        if found is None:
            owner, rrset = self.denial.record(position, without)
            rrsigs = self.signer.rrsigs(owner, rrset)
            found = Signed(owner, rrset, RRset(int(Type.RRSIG), rrset.ttl, rrsigs))
            self._links.put(known, found)
        return found


def _each_once(*proofs: Signed) -> Proof:
    return tuple({proof.owner: proof for proof in reversed(proofs)}.values())[::-1]
