"""Which names of a zone its lookups treat in a way of their own."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dinamed.wire.constants import Type

OF_A_HASH = frozenset((Type.NSEC3, Type.RRSIG))
"""What a hashed name owns that is none but for the proofs (RFC 5155 section 7.2.8)."""


@dataclass(frozen=True)
class Marks:
    """Names by relative key, lowercased.

    `cuts` own NS records below the apex, `dnames` DNAME, `nsec` NSEC and `nsec3` NSEC3
    records.  Of the latter, `hashes` own nothing else but signatures.
    """

    cuts: Collection[bytes] = ()
    dnames: Collection[bytes] = ()
    nsec: Collection[bytes] = ()
    nsec3: Collection[bytes] = ()
    hashes: Collection[bytes] = ()

    @classmethod
    def of(cls, owners: Iterable[tuple[bytes, Collection[int]]]) -> "Marks":
        """From all names, each with the types of its RRsets."""
        cuts, dnames, nsec, nsec3, hashes = (set[bytes]() for _ in range(5))
        for key, types in owners:
            if Type.NS in types and key:
                cuts.add(key)
            if Type.DNAME in types:
                dnames.add(key)
            if Type.NSEC in types:
                nsec.add(key)
            if Type.NSEC3 in types:
                nsec3.add(key)
                if OF_A_HASH.issuperset(types):
                    hashes.add(key)
        return cls(cuts, dnames, nsec, nsec3, hashes)
