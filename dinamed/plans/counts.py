"""How many questions were answered, by zone, type, reply and transport.

All labels are of our own making: zones are those of the config, and types that are
not usual count as one.  So the number of cells is bounded, whatever clients ask.
"""

from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

from dinamed.wire.constants import Rcode
from dinamed.wire.names import WireName, from_text, to_text
from dinamed.zones.zoneset import ZoneSet

OTHER = "other"
"""The zone of what is in none of ours, and the type of what is unusual."""

TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA",
    33: "SRV", 35: "NAPTR", 39: "DNAME", 43: "DS", 48: "DNSKEY", 64: "SVCB",
    65: "HTTPS", 251: "IXFR", 252: "AXFR", 255: "ANY", 257: "CAA",
}  # fmt: skip
"""The types that are counted one by one."""

_RCODES = {code.value: code.name for code in Rcode}
_UDP_OR_STREAM = ("udp", "tcp")


class Cell:
    """One counter; a cached reply keeps its counter at hand."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class AnswerLabels(NamedTuple):
    """What one counter counts."""

    zone: str
    type: str
    rcode: str
    transport: str


Row = tuple[str, int, int, bool, int]
"""Zone label, type, rcode, whether over a stream, and how many."""


class AnswerCounts:
    """The counters of one engine."""

    def __init__(self) -> None:
        self.silent = 0
        """Messages that got no reply: responses, and what is too short."""
        self._cells: dict[tuple[str, int, int, bool], Cell] = {}
        self._by_rcode: dict[int, list[Cell]] = {}
        self._names: dict[WireName, str] = {}

    def zone(self, zones: ZoneSet, name: WireName) -> str:
        """The zone label of a lowercased name."""
        zone = zones.zone_for(name)
        if zone is None:
            return OTHER
        text = self._names.get(zone.origin)
        if text is None:
            text = self._names[zone.origin] = to_text(zone.origin)
        return text

    def cell(self, zone: str, rrtype: int, rcode: int, stream: bool) -> Cell:
        """The cell for these; `zone` is a zone label."""
        key = (zone, rrtype if rrtype in TYPES else 0, rcode, stream)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = Cell()
            self._by_rcode.setdefault(rcode, []).append(cell)
        return cell

    def with_rcode(self, rcode: int) -> int:
        """Messages that got this response code, in the zones that are served."""
        return sum(cell.count for cell in self._by_rcode.get(rcode, ()))

    def rejected(self, reply: bytes | None, stream: bool) -> None:
        """Count a message that was no well-formed query, by its reply."""
        if reply is None:
            self.silent += 1
            return
        rcode = reply[3] & 0xF
        if reply[11]:  # an OPT at the end, which holds the upper bits
            rcode |= reply[-6] << 4
        self.cell(OTHER, 0, rcode, stream).count += 1

    def keep(self, origins: Container[WireName]) -> None:
        """Forget the zones that are served no more."""
        counted = {key[0] for key in self._cells} - {OTHER}
        gone = {label for label in counted if from_text(label) not in origins}
        self._names.clear()
        if gone:
            cells = self._cells.items()
            self._cells = {key: cell for key, cell in cells if key[0] not in gone}
            self._by_rcode.clear()
            for key, cell in self._cells.items():
                self._by_rcode.setdefault(key[2], []).append(cell)

    def rows(self) -> list[Row]:
        """Every cell: what `cell` takes, and what it counts."""
        return [(*key, cell.count) for key, cell in self._cells.items()]

    def add(self, silent: int, rows: Iterable[Row]) -> None:
        """Count what was counted elsewhere."""
        self.silent += silent
        for zone, rrtype, rcode, stream, count in rows:
            self.cell(zone, rrtype, rcode, stream).count += count

    def totals(self) -> Iterator[tuple[AnswerLabels, int]]:
        """Every cell with what it counts."""
        for (zone, rrtype, rcode, stream), cell in list(self._cells.items()):
            labels = AnswerLabels(
                zone,
                TYPES.get(rrtype, OTHER),
                _RCODES.get(rcode, OTHER),
                _UDP_OR_STREAM[stream],
            )
            yield labels, cell.count
