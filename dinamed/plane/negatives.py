"""Templates of a zone's negative answers, which the plane fits to each name."""

from collections.abc import Iterable

from dinamed.geo.countries import CONTINENTS
from dinamed.wire.constants import Type
from dinamed.wire.names import ROOT, WireName, ancestors, is_within
from dinamed.wire.render import Renderer, Section
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone

OWN_LABELS = (b"\x04mgmt", b"\x07_status", b"\x08_country")
"""Labels next to a zone's origin below which names answer by themselves."""
_LONGEST_ORIGIN = 240


def special_labels(zone: PackedZone) -> list[bytes]:
    """The labels next to the origin below which a negative answer is not plain.

    Below `OWN_LABELS` there may be answers, and where a name shares more than the
    origin with the names in the SOA, those are compressed in another way.
    """
    found = dict.fromkeys(OWN_LABELS)
    rdata = zone.soa.rdatas[0].lower()
    first = _length_of_name(rdata)
    for name in (rdata[:first], rdata[first:]):
        full = name[: _length_of_name(name)]
        if full != zone.origin and is_within(full, zone.origin):
            inner = [end for end in ancestors(full) if is_within(end, zone.origin)]
            found[inner[-2][: 1 + inner[-2][0]]] = None
    return list(found)


def region_labels(zone: PackedZone, regional: frozenset[str]) -> bytes | None:
    """The labels next to the origin below which names of regions may stand.

    Those of more than two letters, each with its length: all of two letters count.
    None if no name of the zone is bound to a pool of the `regional` ones.
    """
    if regional.isdisjoint(zone.pools):
        return None
    return b"".join(bytes((len(one),)) + one.encode() for one in CONTINENTS)


def _length_of_name(data: bytes) -> int:
    position = 0
    while data[position]:
        position += 1 + data[position]
    return position + 1


def negative_template(
    zone: PackedZone, special: Iterable[bytes], soa: RRset
) -> tuple[bytes, list[int]] | None:
    """The records of a negative answer as the engine renders them, movable.

    Names are compressed by pointers that move by the length of the question's name:
    the records are given for a length of 0, with the offsets of all pointers.  None
    if the zone is not one for which this holds.  `soa` is the SOA as it is given out.
    """
    if zone.origin == ROOT or len(zone.origin) > _LONGEST_ORIGIN:
        return None
    avoided = {bytes(label[1:]) for label in special}
    label = next(bytes((n,)) for n in range(256) if bytes((n,)) not in avoided)
    short = b"\x01" + label + zone.origin
    long = b"\x02" + label * 2 + zone.origin
    negative = soa._replace(ttl=zone.negative.ttl)
    body = _negative(zone, short, negative)
    other = bytearray(_negative(zone, long, negative))
    template = bytearray(body)
    pointers = []
    for position in range(len(body) - 1, 0, -1):
        if body[position] == other[position]:
            continue
        start = position - 1
        value = int.from_bytes(body[start : position + 1], "big")
        if int.from_bytes(other[start : position + 1], "big") != value + 1:
            return None
        template[start : position + 1] = (value - len(short)).to_bytes(2, "big")
        other[start] = body[start]  # a carry is no pointer of its own
        pointers.append(start)
    return bytes(template), pointers


def _negative(zone: PackedZone, name: WireName, soa: RRset) -> bytes:
    renderer = Renderer(name)
    renderer.add(Section.AUTHORITY, zone.origin, Type.SOA, soa.ttl, soa.rdatas)
    return renderer.finish().body
