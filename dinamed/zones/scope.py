"""What a master file may set for itself: the origin, TTLs, and the last owner."""

from dataclasses import dataclass

import dns.exception
import dns.rdataclass
import dns.rdatatype

from dinamed.wire.constants import CLASS_IN, Type
from dinamed.wire.names import WireName
from dinamed.zones.lines import EntryError
from dinamed.zones.rdata import RdataReader
from dinamed.zones.words import MAX_TTL, any_ttl, word_at


@dataclass
class Scope:
    """The settings of one file, which end with it.

    `suffix` makes a relative name a key (None: outside the zone); `key` is that of the
    last owner (None: it was refused).
    """

    file: str
    place: int
    origin: WireName
    suffix: bytes | None
    rdata: RdataReader
    key: bytes | None
    last_ttl: int | None
    default_ttl: int | None
    default_is_minimum: bool

    def type_and_ttl(self, words: list[str]) -> tuple[int, int | None, list[str]]:
        """Read TTL and class in either order, then the type."""
        position = 0
        ttl = any_ttl(word_at(words, position))
        position += ttl is not None
        try:
            rrclass = int(dns.rdataclass.from_text(word_at(words, position)))
            position += 1
        except (dns.exception.DNSException, ValueError):
            rrclass = CLASS_IN
        if rrclass != CLASS_IN:
            raise EntryError(f"class {words[position - 1]} is not IN")
        if ttl is None:
            ttl = any_ttl(word_at(words, position))
            position += ttl is not None
        if ttl is None:
            ttl = self.implicit_ttl()
        elif ttl > MAX_TTL:
            raise EntryError(f"TTL {ttl} is above {MAX_TTL}")
        else:
            self.last_ttl = ttl
        mnemonic = word_at(words, position)
        try:
            rrtype = int(dns.rdatatype.from_text(mnemonic))
        except (dns.exception.DNSException, ValueError):
            raise EntryError(f"{mnemonic[:80]!r} is not a record type") from None
        if rrtype in (0, Type.OPT) or 128 <= rrtype <= 255:
            raise EntryError(f"type {mnemonic} cannot be in a zone")
        return rrtype, ttl, words[position + 1 :]

    def implicit_ttl(self) -> int | None:
        """$TTL; else the last TTL that was written; else the SOA's minimum."""
        if self.last_ttl is not None and (
            self.default_ttl is None or self.default_is_minimum
        ):
            return self.last_ttl
        return self.default_ttl

    def soa_ttl(self, ttl: int | None, rdata: bytes) -> int | None:
        """The TTL of the SOA with this data; its MINIMUM may become the default."""
        if self.default_ttl is None:
            self.default_ttl = min(int.from_bytes(rdata[-4:]), MAX_TTL)
            self.default_is_minimum = True
        return self.implicit_ttl() if ttl is None else ttl
