"""What a signed zone adds to answers for those who set DO (RFC 4035 section 3.1).

The planner asks these questions and knows no more about signing than they tell: a zone
may come signed, or be signed here.
"""

from typing import NamedTuple, Protocol

from dinamed.wire.names import WireName
from dinamed.zones.model import RRset
from dinamed.zones.packed import Node, ZoneMatch


class Signed(NamedTuple):
    """An RRset for a reply, with the signatures that cover it."""

    owner: WireName
    rrset: RRset
    signatures: RRset | None
    """RRSIG records of the same owner and TTL; None where there are none."""


Proof = tuple[Signed, ...]
"""NSEC or NSEC3 records for the authority section, each once."""


class SecuredZone(Protocol):
    """Signatures and proofs of one zone.

    Names are absolute and in lower case; matches are what `PackedZone.find` gave.
    """

    def signatures(self, node: Node, rrset: RRset) -> RRset | None:
        """The signatures of an RRset of a node, with its TTL; None if it has none.

        They hold for all names that a wildcard's node answers for.
        """
        ...

    def no_data(self, name: WireName, match: ZoneMatch, rrtype: int) -> Proof:
        """That the name, or the wildcard that stands for it, has not this type.

        RFC 4035 sections 3.1.3.1 and 3.1.3.4, RFC 5155 sections 7.2.3 to 7.2.5.
        """
        ...

    def no_name(self, name: WireName, match: ZoneMatch) -> Proof:
        """That the name does not exist, and no wildcard stands for it.

        RFC 4035 section 3.1.3.2, RFC 5155 section 7.2.2.
        """
        ...

    def expanded(self, name: WireName, match: ZoneMatch) -> Proof:
        """That a wildcard had to stand for the name (RFC 4035 section 3.1.3.3)."""
        ...

    def unsigned_cut(self, match: ZoneMatch) -> Proof:
        """That a delegation has no DS (RFC 4035 section 3.1.4, RFC 5155 7.2.7)."""
        ...
