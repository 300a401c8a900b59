"""Zones in versions, and transfers between our two ends without a network."""

from collections.abc import Iterable, Sequence

import dns.message
import dns.tsig
from hypothesis import strategies as st

from dinamed.transfers.incoming import Incoming
from dinamed.transfers.outgoing import messages
from dinamed.transfers.records import Record
from dinamed.transfers.tsig import Signer
from dinamed.transfers.view import View
from dinamed.wire.query import Query, read_query
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone, pack
from tests.zones.strategies import NS, ORIGIN, SOA, key

NOW = 1_700_000_000.0
KEY = dns.tsig.Key("ours.", "c2VjcmV0IGVub3VnaA==", "hmac-sha256")
OTHER = dns.tsig.Key("ours.", "YW5vdGhlciBzZWNyZXQ=", "hmac-sha256")
KEYS = {b"\x04ours\0": KEY}

Content = dict[tuple[str, int], frozenset[bytes]]
"""The data of RRsets by owner and type."""

OWNERS = st.lists(st.sampled_from(["a", "b", "c", "*"]), min_size=1, max_size=3).map(
    ".".join
)
CONTENTS = st.dictionaries(
    st.tuples(OWNERS, st.sampled_from([1, 16, 65280])),
    st.frozensets(
        st.sampled_from([b"\x03abc", b"\x03abd", b"\x03xyz"]), min_size=1, max_size=3
    ),
    max_size=8,
)


def soa(serial: int) -> RRset:
    """An SOA with a serial."""
    rdata = SOA.rdatas[0]
    changed = rdata[:-20] + serial.to_bytes(4, "big") + rdata[-16:]
    return SOA._replace(rdatas=(changed,))


def zone_of(content: Content, serial: int = 7) -> PackedZone:
    """A version of the zone with this content."""
    rrsets = [(b"", soa(serial)), (b"", NS)]
    for (owner, rrtype), rdatas in content.items():
        rrsets.append((key(owner), RRset(rrtype, 60, tuple(sorted(rdatas)))))
    return PackedZone(pack(ORIGIN, rrsets, {}))


def content_of(zone: PackedZone) -> set[tuple[bytes, int, int, bytes]]:
    """All records of a zone."""
    return {
        (owner, rrset.type, rrset.ttl, rdata)
        for owner, node in zone.nodes()
        for rrset in node.rrsets.values()
        for rdata in rrset.rdatas
    }


def transfer_of(rrtype: str = "AXFR") -> Query:
    """The query for a transfer."""
    wire = dns.message.make_query("example.org.", rrtype, id=7).to_wire()
    query = read_query(wire)
    assert isinstance(query, Query)
    return query


def sent(records: Iterable[Record], signer: Signer | None = None) -> list[bytes]:
    """The messages of a reply."""
    return list(messages(transfer_of(), records, b"", signer, lambda: NOW))


def received(
    made: Sequence[bytes], have: PackedZone | None = None
) -> tuple[PackedZone | None, Incoming]:
    """What a secondary makes of messages; None: it has the newest version."""
    incoming = Incoming(ORIGIN, (7).to_bytes(2, "big"), have)
    done = [incoming.take(message) for message in made]
    assert done == [False] * (len(made) - 1) + [True], done
    return (None if incoming.current else incoming.finish()[0]), incoming


def view_of(content: Content, serial: int = 7) -> View:
    """A version as it is transferred."""
    return View(zone_of(content, serial))
