"""The differences between versions of a zone, for incremental transfer (RFC 1995)."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dinamed.transfers.records import Record
from dinamed.transfers.view import View
from dinamed.zones.model import RRset

JOURNAL_LIMIT = 50_000
"""Records in all differences that are kept of one zone."""
DIFF_LIMIT = 200_000
"""Names in a zone up to which versions are compared."""


@dataclass(frozen=True)
class Delta:
    """The records to remove from one version, and to add, to get the next.

    Both lists are without the SOAs.
    """

    old: Record
    new: Record
    removed: tuple[Record, ...]
    added: tuple[Record, ...]

    @property
    def size(self) -> int:
        """Records in it, SOAs included."""
        return 2 + len(self.removed) + len(self.added)


def serial_of(soa: Record) -> int:
    """The serial of an SOA record."""
    return int.from_bytes(soa.rdata[-20:-16], "big")


def difference_at(old: View, new: View, keys: Iterable[bytes]) -> Delta:
    """The step between two versions that differ at these names alone."""
    removed: list[Record] = []
    added: list[Record] = []
    for key in sorted(keys):
        owner = key + new.zone.origin
        before, after = old.zone.node(key), new.zone.node(key)
        was = set() if before is None else _records(old.rrsets(before))
        now = set() if after is None else _records(new.rrsets(after))
        removed += (Record(owner, *one) for one in sorted(was - now))
        added += (Record(owner, *one) for one in sorted(now - was))
    return Delta(old.soa, new.soa, tuple(removed), tuple(added))


def difference(old: View, new: View) -> Delta:
    """Compare two versions; takes some microseconds a name."""
    if old.stamp is not None or new.stamp is not None:
        was, now = set(old.records()), set(new.records())
        gone, come = tuple(sorted(was - now)), tuple(sorted(now - was))
        return Delta(old.soa, new.soa, gone, come)
    removed: list[Record] = []
    added: list[Record] = []
    origin = new.zone.origin
    for key, node in new.zone.nodes():
        before = old.zone.node(key)
        if (
            before is not None
            and key
            and not (node.pool or before.pool)
            and before.encoded() == node.encoded()
        ):
            continue
        had = set() if before is None else _records(old.rrsets(before))
        has = _records(new.rrsets(node))
        owner = key + origin
        removed += (Record(owner, *one) for one in sorted(had - has))
        added += (Record(owner, *one) for one in sorted(has - had))
    for key, node in old.zone.nodes():
        if new.zone.node(key) is None:
            owner = key + origin
            removed += (
                Record(owner, *one) for one in sorted(_records(old.rrsets(node)))
            )
    return Delta(old.soa, new.soa, tuple(removed), tuple(added))


def _records(rrsets: Iterator[RRset]) -> set[tuple[int, int, bytes]]:
    return {
        (rrset.type, rrset.ttl, rdata) for rrset in rrsets for rdata in rrset.rdatas
    }


class Journal:
    """The last differences of one zone, up to the version that is served."""

    def __init__(self, limit: int = JOURNAL_LIMIT) -> None:
        self._limit = limit
        self._deltas: deque[Delta] = deque()
        self._size = 0

    def append(self, delta: Delta) -> None:
        """Add the step to the next version; forget the oldest beyond the limit.

        A step that does not begin where the last one ended makes a new beginning.
        """
        if self._deltas and self._deltas[-1].new != delta.old:
            self.clear()
        self._deltas.append(delta)
        self._size += delta.size
        while self._size > self._limit:
            self._size -= self._deltas.popleft().size

    def clear(self) -> None:
        """Forget all."""
        self._deltas.clear()
        self._size = 0

    def since(self, serial: int, current: int) -> list[Delta] | None:
        """The steps from one serial to the current one; None if they are not known."""
        deltas = list(self._deltas)
        if not deltas or serial_of(deltas[-1].new) != current:
            return None
        for place in range(len(deltas) - 1, -1, -1):
            if serial_of(deltas[place].old) == serial:
                return deltas[place:]
        return None
