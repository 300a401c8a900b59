"""Zones that are signed in memory, and dnspython's judgement of what they give."""

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from dinamed.dnssec.denial import Denial
from dinamed.dnssec.grid import Grid
from dinamed.dnssec.keys import CSK_FLAGS, Key
from dinamed.dnssec.keyset import KeySet
from dinamed.dnssec.numbers import Algorithm
from dinamed.dnssec.online import OnlineZone
from dinamed.dnssec.signatures import Signatures
from dinamed.dnssec.signing import ZoneSigner
from dinamed.wire.names import WireName, from_text
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone
from dinamed.zones.virtual import Names

NOW = 1_800_000_000.0


def fixed_key(
    zone: str = "example.org.", number: int = 7, flags: int = CSK_FLAGS
) -> Key:
    """The same P-256 key each time."""
    private = ec.derive_private_key(number, ec.SECP256R1())
    return Key(from_text(zone), flags, Algorithm.ECDSAP256SHA256, private)


def edwards_key(number: int, zone: str = "example.org.") -> Key:
    """The same Ed25519 key each time."""
    private = ed25519.Ed25519PrivateKey.from_private_bytes(number.to_bytes(32))
    return Key(from_text(zone), CSK_FLAGS, Algorithm.ED25519, private)


def keyset(*keys: Key) -> KeySet:
    """Keys that are all published and sign all."""
    return KeySet(keys, keys, keys, keys)


def online(
    zone: PackedZone,
    keys: KeySet,
    pools: dict[str, frozenset[int]] | None = None,
    regional: frozenset[str] = frozenset(),
    now: float = NOW,
) -> OnlineZone:
    """The zone as it is signed at a moment."""
    signer = ZoneSigner(zone.origin, keys, Grid(), Signatures(), lambda: now)
    apex = keys.rrsets()
    names = Names(zone, regional)
    return OnlineZone(signer, Denial(names, pools or {}, apex), apex)


def validate(
    owner: WireName,
    rrset: RRset,
    rrsigs: tuple[bytes, ...],
    *keys: Key,
    now: float = NOW,
) -> None:
    """Have dnspython check signatures.  Raises `dns.dnssec.ValidationFailure`."""
    name, zone = _name(owner), _name(keys[0].zone)
    covered = _rrset(name, rrset.type, rrset.ttl, rrset.rdatas)
    signatures = _rrset(name, 46, rrset.ttl, rrsigs)
    dnskeys = _rrset(zone, 48, 3600, tuple(key.dnskey for key in keys))
    dns.dnssec.validate(covered, signatures, {zone: dnskeys}, now=now)


def _name(wire: WireName) -> dns.name.Name:
    return dns.name.from_wire(wire, 0)[0]


def _rrset(
    name: dns.name.Name, rrtype: int, ttl: int, rdatas: tuple[bytes, ...]
) -> dns.rrset.RRset:
    kind = dns.rdatatype.RdataType.make(rrtype)
    parsed = [
        dns.rdata.from_wire(dns.rdataclass.IN, kind, rdata, 0, len(rdata))
        for rdata in rdatas
    ]
    return dns.rrset.from_rdata_list(name, ttl, parsed)
