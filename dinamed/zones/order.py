"""The names of a zone in canonical order, to look up which one covers another."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from dinamed.zones.canonical import canonical_key
from dinamed.zones.ordering import LAST
from dinamed.zones.packed import PackedZone


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
        places, self.keys, self.starts = zone.in_order(
            tuple(form for form, _ in known), pure
        )
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
        if place > LAST - len(self._further):
            return self._further[LAST - place]
        return self._zone.node_at(place).key
