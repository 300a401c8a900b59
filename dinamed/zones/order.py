"""The names of a zone in canonical order, to look up which one covers another."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from dinamed.zones.canonical import canonical_key
from dinamed.zones.layout import HEADER, NodeFlag
from dinamed.zones.masterdata import native
from dinamed.zones.packed import PackedZone

_NOT_IN_CHAIN = int(NodeFlag.EMPTY | NodeFlag.BELOW_CUT | NodeFlag.BELOW_DNAME)
_LAST = 0xFFFFFFFF
Ordered = tuple[bytes, bytes, bytes]
"""Places, canonical forms one behind the other, and where each of these begins."""


class NameOrder:
    """The names that own data and are not occluded, and some that are not in the data.

    Names are relative keys.  `keys` holds their canonical forms one behind the other,
    and `starts` 32-bit numbers: where each begins, and where the last one ends.
    """

    def __init__(self, zone: PackedZone, further: Iterable[bytes], pure: bool = False):
        self._zone = zone
        # One that is there anyway is in the order once.
        known = sorted(
            ((canonical_key(key), key) for key in set(further)),
            key=lambda pair: pair[0],
        )
        self._further = [key for _, key in known]
        forms = [form for form, _ in known]
        slowly = pure or native is None or zone.patched
        ordered = _in_python if slowly else _natively
        places, self.keys, self.starts = ordered(zone, forms)
        self._places: Sequence[int] = memoryview(places).cast("I")
        self._starts: Sequence[int] = memoryview(self.starts).cast("I")

    def __len__(self) -> int:
        return len(self._places)

    @property
    def places(self) -> Sequence[int]:
        """Where the nodes of the names stand in the packed zone, in order."""
        return self._places

    def position(self, key: bytes) -> int:
        """Where a name stands, or the last one before it."""
        form = canonical_key(key)
        return bisect_right(range(len(self)), form, key=self._form) - 1

    def _form(self, position: int) -> bytes:
        return self.keys[self._starts[position] : self._starts[position + 1]]

    def key(self, position: int) -> bytes:
        """The name at a position."""
        place = self._places[position]
        if place > _LAST - len(self._further):
            return self._further[_LAST - place]
        return self._zone.node_at(place).key


def _natively(zone: PackedZone, further: list[bytes]) -> Ordered:
    assert native is not None
    first = HEADER.unpack_from(zone.buffer)[6]
    ordered: Ordered = native.names_in_order(zone.buffer, first, zone.names, further)
    return ordered


def _in_python(zone: PackedZone, further: list[bytes]) -> Ordered:
    names = [
        (canonical_key(key), node.offset)
        for key, node in zone.nodes()
        if not node.flags & _NOT_IN_CHAIN
    ]
    names += [(form, _LAST - number) for number, form in enumerate(further)]
    names.sort()
    starts = array("I", [0])
    for form, _ in names:
        starts.append(starts[-1] + len(form))
    places = array("I", [place for _, place in names])
    keys = b"".join(form for form, _ in names)
    return places.tobytes(), keys, starts.tobytes()
