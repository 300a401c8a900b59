"""Signing the RRsets of one zone: RRSIG records (RFC 4034 section 3)."""

import struct
from collections.abc import Callable
from typing import Protocol

from dinamed.dnssec.canonical import signed_octets
from dinamed.dnssec.grid import HOUR, Grid
from dinamed.dnssec.keys import Key
from dinamed.dnssec.keyset import KeySet
from dinamed.generations import Generations
from dinamed.wire.names import WireName, labels
from dinamed.zones.model import RRset

_HEAD = struct.Struct("!HBBIIIH")
_RECENT = 1 << 15
_Recent = tuple[int, WireName, RRset]


class SignatureSource(Protocol):
    """Has signatures, or makes them."""

    made: int
    """How many were made."""

    def signature(self, key: Key, data: bytes) -> bytes:
        """The signature of these octets."""
        ...


class ZoneSigner:
    """Gives RRsets of one zone their signatures.

    `seconds` tells Unix time; a signature is that of the moment's slot of `grid`.
    """

    def __init__(
        self,
        zone: WireName,
        keys: KeySet,
        grid: Grid,
        signatures: SignatureSource,
        seconds: Callable[[], float],
    ) -> None:
        self.zone = zone.lower()
        self.keys = keys
        self.grid = grid
        self.signatures = signatures
        self.seconds = seconds
        self._recent: Generations[_Recent, tuple[bytes, ...]] = Generations(_RECENT)

    def at(self, moment: float) -> "ZoneSigner":
        """One that signs as of a moment that stays."""
        return ZoneSigner(
            self.zone, self.keys, self.grid, self.signatures, lambda: moment
        )

    @property
    def size(self) -> int:
        """Octets of the RRSIG records of an RRset, with owners of two octets."""
        front = 2 + 10 + _HEAD.size + len(self.zone)
        return sum(front + key.signature_size for key in self.keys.sign_data)

    def rrsigs(self, owner: WireName, rrset: RRset) -> tuple[bytes, ...]:
        """The data of the RRSIG records of an RRset, one for each key that signs it.

        `rrset.ttl` is the original TTL: the highest that it is sent with.  The owner
        of what a wildcard answers is the wildcard.
        """
        now = self.seconds()
        # Which slot it is changes on the hour alone.
        recent = (int(now) // HOUR, owner, rrset)
        found = self._recent.get(recent)
        if found is None:
            found = self.signed_at(owner, rrset, now)
            self._recent.put(recent, found)
        return found

    def signed_at(self, owner: WireName, rrset: RRset, now: float) -> tuple[bytes, ...]:
        """As `rrsigs`, as of a moment, and remembering nothing."""
        owner = owner.lower()
        slot = self.grid.slot(owner, rrset.type, now)
        inception, expiration = self.grid.times(slot)
        count = sum(1 for _ in labels(owner)) - owner.startswith(b"\x01*")
        found = []
        for key in self.keys.signers(rrset.type):
            head = (
                _HEAD.pack(
                    rrset.type,
                    key.algorithm,
                    count,
                    rrset.ttl,
                    expiration,
                    inception,
                    key.tag,
                )
                + self.zone
            )
            octets = signed_octets(head, owner, rrset.type, rrset.ttl, rrset.rdatas)
            found.append(head + self.signatures.signature(key, octets))
        return tuple(found)
