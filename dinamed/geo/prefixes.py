"""Longest prefix match, with the scope that a match is good for.

All prefixes of one family are cut into ranges of addresses that do not overlap, each
with the value of the longest prefix around it.  A look-up is one bisection.
"""

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import Generic, NamedTuple, TypeVar

_Value = TypeVar("_Value")
Network = IPv4Network | IPv6Network


class PrefixMatch(NamedTuple, Generic[_Value]):
    """The value of an address, and how far it holds.

    `length` is that of the longest prefix that holds the address; without one it is
    0 and `value` is None.  `scope` is the shortest prefix length, never less than
    `length`, with which every address around this one has this same match: it grows
    where longer prefixes lie inside the one that matched.
    """

    value: _Value | None
    length: int
    scope: int


class PrefixTable(Generic[_Value]):
    """Values by prefix, IPv4 and IPv6.  Immutable.

    @raise ValueError: a prefix stands there twice.
    """

    __slots__ = ("_v4", "_v6", "networks", "size")

    def __init__(self, entries: Iterable[tuple[Network, _Value]] = ()) -> None:
        v4: dict[tuple[int, int], _Value] = {}
        v6: dict[tuple[int, int], _Value] = {}
        networks: list[Network] = []
        for network, value in entries:
            networks.append(network)
            family = v4 if network.version == 4 else v6
            key = (int(network.network_address), network.prefixlen)
            if key in family:
                raise ValueError(f"{network} stands there twice")
            family[key] = value
        self._v4 = _Ranges(32, v4)
        self._v6 = _Ranges(128, v6)
        self.networks = tuple(networks)
        """All the prefixes."""
        self.size = len(v4) + len(v6)
        """How many prefixes there are."""

    def look_up(self, address: bytes) -> PrefixMatch[_Value]:
        """The longest match for a packed address of 4 or 16 octets."""
        ranges = self._v4 if len(address) == 4 else self._v6
        number = int.from_bytes(address)
        at = bisect_right(ranges.starts, number) - 1
        value, length, before, after = ranges.rows[at]
        # The first bit in which the address differs from the next one outside.
        near = number ^ before
        far = number ^ after
        scope = ranges.reach - (near if near < far else far).bit_length()
        return PrefixMatch(value, length, scope)

    def __len__(self) -> int:
        return self.size


class _Ranges(Generic[_Value]):
    """The ranges of one family, in order.

    `rows` has, for each of `starts`, the value, the length of its prefix, and the
    last address before and the first one after the range.  Where there is none, it
    is a number one bit longer than an address, which differs in the bit before all
    others and so asks for no scope.
    """

    __slots__ = ("reach", "rows", "starts")

    def __init__(self, bits: int, entries: dict[tuple[int, int], _Value]) -> None:
        outside = 1 << bits
        self.reach = bits + 1
        cuts: list[tuple[int, _Value | None, int]] = []
        for start, value, length in _flat(bits, entries):
            if cuts and cuts[-1][0] == start:
                cuts.pop()
            cuts.append((start, value, length))
        self.starts = [start for start, _, _ in cuts]
        ends = [*self.starts[1:], outside]
        self.rows: list[tuple[_Value | None, int, int, int]] = [
            (value, length, start - 1 if start else outside, end)
            for (start, value, length), end in zip(cuts, ends, strict=True)
        ]


def _flat(
    bits: int, entries: dict[tuple[int, int], _Value]
) -> Iterable[tuple[int, _Value | None, int]]:
    """Where the match changes, in order; of equal places the last one counts."""
    yield 0, None, 0
    open_: list[tuple[int, _Value | None, int]] = []  # end, value, length
    around: list[tuple[_Value | None, int]] = [(None, 0)]
    for (start, length), value in sorted(entries.items(), key=lambda item: item[0]):
        while open_ and open_[-1][0] <= start:
            end, _, _ = open_.pop()
            around.pop()
            yield end, *around[-1]
        open_.append((start + (1 << bits - length), value, length))
        around.append((value, length))
        yield start, value, length
    while open_:
        end, _, _ = open_.pop()
        around.pop()
        if end < 1 << bits:
            yield end, *around[-1]
