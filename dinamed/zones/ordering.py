"""The names of a packed zone sorted into canonical order (RFC 4034 section 6.1)."""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from dinamed.zones.canonical import canonical_key
from dinamed.zones.layout import DEAD, NODE, NodeFlag, measure
from dinamed.zones.masterdata import native

_NOT_IN_CHAIN = int(NodeFlag.EMPTY | NodeFlag.BELOW_CUT | NodeFlag.BELOW_DNAME)
LAST = 0xFFFFFFFF
"""The place of the first further name; that of each next one is one less."""


class Ordered(NamedTuple):
    """Names in canonical order.

    `places` and `starts` are 32-bit numbers in the order of this machine: where the
    node of each name stands, or `LAST` less its number among the further names; and
    where the form of each begins in `keys`, and where the last one ends.  In `keys`
    the canonical forms stand one behind the other.
    """

    places: bytes
    keys: bytes
    starts: bytes


def in_order(
    data: memoryview, first: int, end: int, further: Sequence[bytes], pure: bool = False
) -> Ordered:
    """The names that own data and are not occluded, and further ones.

    The nodes of the packed zone stand from `first` to `end`, and those that are dead
    count for nothing.  `further` are canonical forms of names that are not among them.
    Other threads go on meanwhile, unless it is done in Python.
    """
    if pure or native is None:
        return _in_python(data, first, end, further)
    return Ordered(*native.names_in_order(data, first, end, list(further)))


def _in_python(
    data: memoryview, first: int, end: int, further: Sequence[bytes]
) -> Ordered:
    names = [(form, LAST - number) for number, form in enumerate(further)]
    at = first
    while at < end:
        size = data[at]
        flags, pool, _ = NODE.unpack_from(data, at + 1 + size)
        if pool != DEAD and not flags & _NOT_IN_CHAIN:
            names.append((canonical_key(bytes(data[at + 1 : at + 1 + size])), at))
        at = measure(data, at).end
    names.sort()
    starts = array("I", [0])
    for form, _ in names:
        starts.append(starts[-1] + len(form))
    places = array("I", [place for _, place in names])
    keys = b"".join(form for form, _ in names)
    return Ordered(places.tobytes(), keys, starts.tobytes())
