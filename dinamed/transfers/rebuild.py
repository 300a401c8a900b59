"""A packed zone with some names changed: what has not changed is copied as it is."""

from collections.abc import Iterable, Mapping

from dinamed.wire.constants import Type
from dinamed.zones.layout import encode_rrset
from dinamed.zones.marks import Marks
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone
from dinamed.zones.packer import assemble

Changes = Mapping[bytes, Iterable[RRset]]
"""All RRsets of the names that change, by relative key in lower case."""
_Owner = tuple[tuple[int, ...], int, bytes]


_OF_SIGNERS = frozenset(
    {Type.RRSIG, Type.NSEC, Type.NSEC3, Type.NSEC3PARAM, Type.CDS, Type.CDNSKEY}
)
"""What a signer adds to a zone, but for its keys."""


def stripped(zone: PackedZone, keys_too: bool) -> PackedZone:
    """A zone that another has signed without its signatures and proofs.

    With `keys_too` its keys are left out as well.  A zone that is not signed is given
    back as it is.
    """
    if not zone.signed:
        return zone
    gone = _OF_SIGNERS | {Type.DNSKEY} if keys_too else _OF_SIGNERS
    changes = {
        key: [rrset for rrset in node.rrsets.values() if rrset.type not in gone]
        for key, node in zone.nodes()
        if not gone.isdisjoint(node.types)
    }
    return rebuilt(zone, changes)


def rebuilt(
    zone: PackedZone, changes: Changes, names: Mapping[bytes, str] | None = None
) -> PackedZone:
    """The zone with the changed names as `changes` has them.

    `names` are the pools that names are bound to; as they are when left out.  Raises
    `ValueError` as `pack` does.
    """
    if names is None:
        names = {key: node.pool for key, node in zone.bound() if node.pool is not None}
    owners: dict[bytes, _Owner] = {}
    for key, node in zone.nodes():
        if key not in changes:
            owner = node.encoded()
            if owner[0] or not key:
                owners[key] = owner
    for key, rrsets in changes.items():
        ordered = sorted(rrset for rrset in rrsets if rrset.rdatas)
        if ordered or not key:
            owners[key] = (
                tuple(rrset.type for rrset in ordered),
                sum(len(rrset.rdatas) for rrset in ordered),
                b"".join(map(encode_rrset, ordered)),
            )
    if b"" in owners:  # the apex comes first
        owners = {b"": owners.pop(b""), **owners}
    marks = Marks.of((key, owner[0]) for key, owner in owners.items())
    packed = assemble(zone.origin, owners, _encode, marks, names)
    return PackedZone(packed)


def _encode(key: bytes, owner: _Owner) -> tuple[int, int, bytes]:
    types, records, body = owner
    return len(types), records, body
