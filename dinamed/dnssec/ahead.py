"""Signing a whole zone ahead: each RRset that its data have, and the whole chain.

What pools give is not among it: that is signed by the sets that are drawn.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from dinamed.dnssec.denial import Denial
from dinamed.dnssec.grid import Grid
from dinamed.dnssec.key_files import pkcs8_text, read_pkcs8
from dinamed.dnssec.keys import Key
from dinamed.dnssec.keyset import KEY_TYPES, KeySet
from dinamed.dnssec.online import OnlineZone
from dinamed.dnssec.ready_signatures import GatheredSignatures, ReadySignatures
from dinamed.dnssec.signatures import digest_of
from dinamed.dnssec.signing import ZoneSigner
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone
from dinamed.zones.virtual import Names

MADE_HERE = KEY_TYPES | {Type.RRSIG, Type.NSEC, Type.NSEC3, Type.NSEC3PARAM}
"""Types of records in a zone's data that are not served as they stand there."""
_LATER = MADE_HERE | {Type.SOA}
"""What is asked for at once anyway, or differs from what the data have."""


class AheadKey(msgspec.Struct, frozen=True):
    """A key that signs data; `secret` is PEM."""

    secret: bytes
    flags: int
    algorithm: int


class AheadJob(msgspec.Struct, frozen=True):
    """What it takes to sign a zone as its server does, beside the packed zone."""

    zone: WireName
    keys: tuple[AheadKey, ...]
    validity: int
    pools: dict[str, frozenset[int]]
    regional: frozenset[str]
    apex: frozenset[int]
    others: dict[bytes, frozenset[int]]
    path: str
    """Of the file of signatures."""
    moments: tuple[float, ...]
    """The Unix times as of which signatures are wanted."""

    def signers(self) -> tuple[Key, ...]:
        """The keys.  Raises `KeyFault`."""
        return tuple(
            read_pkcs8(self.zone, key.secret, key.flags, key.algorithm)
            for key in self.keys
        )

    def online(self, packed: PackedZone, store: "AheadStore") -> OnlineZone:
        """The zone, signed into a store.  Raises `KeyFault`."""
        keys = KeySet((), (), self.signers())
        grid = Grid(self.validity)
        signer = ZoneSigner(self.zone, keys, grid, store, lambda: 0.0)
        names = Names(packed, self.regional)
        denial = Denial(names, self.pools, self.apex, self.others)
        return OnlineZone(signer, denial, MappingProxyType({}))


def ahead_job(online: OnlineZone, path: str, moments: Iterable[float]) -> AheadJob:
    """The job of signing a zone as it is served now."""
    denial, signer = online.denial, online.signer
    keys = (
        AheadKey(pkcs8_text(key).encode(), key.flags, int(key.algorithm))
        for key in signer.keys.sign_data
    )
    return AheadJob(
        online.origin,
        tuple(keys),
        signer.grid.validity,
        dict(denial.pools),
        frozenset(denial.names.regional),
        denial.apex,
        dict(denial.others),
        path,
        tuple(dict.fromkeys(moments)),
    )


class AheadStore:
    """Takes signatures from a file where it has them, makes the others, gathers all."""

    def __init__(self, room: int, before: ReadySignatures | None) -> None:
        self.gathered = GatheredSignatures(room)
        self._before = before
        self.made = 0

    def signature(self, key: Key, data: bytes) -> bytes:
        """The signature of these octets, which was not asked for before."""
        digest = digest_of(key, data)
        found = None if self._before is None else self._before.get(digest)
        if found is None:
            found = key.sign(data)
            self.made += 1
        self.gathered.add((digest, found))
        return found


def covered(online: OnlineZone) -> Iterator[tuple[WireName, RRset]]:
    """The RRsets of a zone that signatures do not depend on clients for."""
    denial, origin = online.denial, online.origin
    for key, node in denial.names.zone.nodes():
        for rrset in node.rrsets.values():
            if rrset.type not in _LATER and online.signs(node, rrset.type):
                yield key + origin, rrset
    for position in range(len(denial)):
        yield denial.record(position)


def sign_ahead(online: OnlineZone, moments: Iterable[float]) -> Iterator[None]:
    """Sign all, each RRset as of each of the moments; gives a turn after each RRset."""
    signer, grid = online.signer, online.signer.grid
    known: Mapping[int, float]
    for owner, rrset in covered(online):
        known = {grid.slot(owner, rrset.type, moment): moment for moment in moments}
        for moment in known.values():
            signer.signed_at(owner, rrset, moment)
        yield
