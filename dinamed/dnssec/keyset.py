"""Which keys of a zone are published at a moment, and which of them sign what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dinamed.dnssec.cosigners import is_entry
from dinamed.dnssec.keys import DELETE_CDNSKEY, DELETE_CDS, Key, ds_of
from dinamed.wire.constants import Type
from dinamed.zones.model import RRset

DNSKEY_TTL = 3600
"""Seconds that DNSKEY, CDS and CDNSKEY may be cached."""
KEY_TYPES = frozenset({Type.DNSKEY, Type.CDS, Type.CDNSKEY})
"""The RRsets at the apex that keys with a DS sign."""


@dataclass(frozen=True)
class KeySet:
    """The keys as they are out now.

    `published` are the keys of ours in the DNSKEY RRset; `sign_keys` sign DNSKEY, CDS
    and CDNSKEY, `sign_data` all else.  `wanted` are those that the parent is to have a
    DS of, None where nothing is said to it; with `removing` it is told to have none.
    """

    published: tuple[Key, ...]
    sign_keys: tuple[Key, ...]
    sign_data: tuple[Key, ...]
    wanted: tuple[Key, ...] | None = None
    removing: bool = False

    def signers(self, rrtype: int) -> tuple[Key, ...]:
        """The keys that sign an RRset of this type at the apex, or any other."""
        return self.sign_keys if rrtype in KEY_TYPES else self.sign_data

    def rrsets(
        self,
        others: Iterable[bytes] = (),
        gone: Iterable[bytes] = (),
        ttl: int = DNSKEY_TTL,
    ) -> Mapping[int, RRset]:
        """DNSKEY, CDS and CDNSKEY, by type.

        `others` are DNSKEY records of other signers of the zone (RFC 8901), of which
        the parent keeps its DS; those that are `gone` are published, and no more.
        """
        others = tuple(others)
        ours = (key.dnskey for key in self.published)
        keys = dict.fromkeys((*ours, *others, *gone))
        found = {int(Type.DNSKEY): RRset(int(Type.DNSKEY), ttl, tuple(sorted(keys)))}
        if not self.removing and not self.wanted:
            return found
        wanted = () if self.removing else self.wanted or ()
        entries = [key.dnskey for key in wanted]
        entries += [dnskey for dnskey in others if is_entry(dnskey)]
        zone = self.published[0].zone
        cds = tuple(ds_of(zone, dnskey) for dnskey in entries) or (DELETE_CDS,)
        cdnskey = tuple(entries) or (DELETE_CDNSKEY,)
        found[int(Type.CDS)] = RRset(int(Type.CDS), ttl, cds)
        found[int(Type.CDNSKEY)] = RRset(int(Type.CDNSKEY), ttl, cdnskey)
        return found
