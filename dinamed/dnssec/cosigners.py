"""Keys of other signers of a zone (RFC 8901, model 2), which its data name.

Answers that such a signer has signed stay in caches after it has left, and so may its
DS with the parent.  So a key that is taken out of the data stays in the DNSKEY RRset
until nobody can need it any more.
"""

from collections.abc import Iterable, Sequence

import msgspec

from dinamed.dnssec.keys import SECURE_ENTRY, tag_of


class CosignerKey(msgspec.Struct, frozen=True):
    """The DNSKEY of another signer; `gone_since` is when the data had it no more."""

    dnskey: bytes
    gone_since: float | None = None

    @property
    def tag(self) -> int:
        """Its key tag."""
        return tag_of(self.dnskey)


def is_entry(dnskey: bytes) -> bool:
    """Whether a DS of the parent may point to the key."""
    return bool(int.from_bytes(dnskey[:2], "big") & SECURE_ENTRY)


def followed(
    known: Sequence[CosignerKey],
    found: Iterable[bytes],
    now: float,
    hold: float,
    trusted: frozenset[int],
) -> tuple[CosignerKey, ...]:
    """The keys to publish, where the data have those that were `found`.

    One that is gone stays for `hold` seconds, and as long as a DS of the `trusted` tags
    may be its own.
    """
    here = dict.fromkeys(found)
    stay = [CosignerKey(dnskey) for dnskey in here]
    for key in known:
        if key.dnskey in here:
            continue
        since = now if key.gone_since is None else key.gone_since
        if now < since + hold or (is_entry(key.dnskey) and key.tag in trusted):
            stay.append(CosignerKey(key.dnskey, since))
    return tuple(stay)
