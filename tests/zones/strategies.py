"""What a zone may hold: strategies and helpers for the tests of this room."""

import struct
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, from_text
from dinamed.zones.master import read_master
from dinamed.zones.masterdata import MasterData
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone, pack

ORIGIN = from_text("example.org.")

SOA = RRset(
    Type.SOA,
    3600,
    (
        from_text("ns1.example.org.")
        + from_text("hostmaster.example.org.")
        + struct.pack("!5I", 7, 7200, 3600, 86400, 300),
    ),
)
NS = RRset(Type.NS, 3600, (from_text("ns1.example.net."),))
DNAME = RRset(Type.DNAME, 3600, (from_text("example.net."),))
ADDRESS = RRset(Type.A, 60, (b"\xc0\x00\x02\x01",))


def key(text: str) -> bytes:
    """A relative key from text such as `www.sub`; empty for the apex."""
    return from_text(text + ".")[:-1] if text else b""


def make_zone(
    owners: Mapping[str, list[RRset]], names: Mapping[str, str] | None = None
) -> PackedZone:
    """A packed zone from relative names; SOA and NS at the apex are added."""
    rrsets = [(b"", SOA), (b"", NS)]
    for owner, sets in owners.items():
        rrsets += [(key(owner), rrset) for rrset in sets]
    bound = {key(owner): pool for owner, pool in (names or {}).items()}
    return PackedZone(pack(ORIGIN, rrsets, bound))


# Few labels, so that names meet, nest and miss each other by a little.
LABELS = st.sampled_from(["a", "b", "c", "*", "ab"])
OWNERS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
QUERIES = st.lists(LABELS, max_size=7).map(".".join)


def absolute(owner: str) -> WireName:
    """The absolute name of a relative one."""
    return key(owner) + ORIGIN


def read(text: str | bytes) -> MasterData:
    """Read a master file from its text."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "zone")
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        data = read_master(ORIGIN, str(path))
    return data
