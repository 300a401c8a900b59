"""The thread of the query log: slow disks and readers block only this thread."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic

from dinamed.plans.snapshot import Snapshot
from dinamed.querylog.exchange_reader import Exchange, ExchangeReader, ReadExchange
from dinamed.querylog.outlets import Outlet

MOST_WAITING = 20_000
"""Exchanges that wait to be written; what comes on top of them is dropped."""
BATCH = 500
"""Of them, how many are written at once."""
_STOP_PATIENCE = 2.0


@dataclass
class LogCounts:
    """How many exchanges were written, and how many dropped."""

    written: int = 0
    dropped: int = 0
    """For want of room or of a reader, or for an error of the disk."""


@dataclass
class Branch:
    """One outlet, and what it is written in."""

    name: str
    outlet: Outlet
    form: Callable[[ReadExchange], bytes]
    failing: bool = field(default=False)


class Writer:
    """Takes exchanges and has a thread write them.

    `snapshot` gives what is served now; `report` is told, in the thread, when writing
    begins to fail and when it goes on.
    """

    def __init__(
        self,
        branches: Sequence[Branch],
        snapshot: Callable[[], Snapshot],
        report: Callable[[str], None],
    ) -> None:
        self._branches = branches
        self._snapshot = snapshot
        self._report = report
        self._queue: SimpleQueue[Exchange | None] = SimpleQueue()
        self._looker: ExchangeReader | None = None
        self._thread: threading.Thread | None = None
        self.counts = LogCounts()

    def offer(self, exchange: Exchange) -> None:
        """Queue an exchange, if there is room.  Never waits."""
        if self._queue.qsize() >= MOST_WAITING:
            self.counts.dropped += 1
        else:
            self._queue.put(exchange)

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(
            target=self.run, name="dinamed-query-log", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, for two seconds at most, and close all.  Blocks."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(_STOP_PATIENCE)

    def run(self) -> None:
        """The life of the thread: write until `stop`."""
        going = True
        while going:
            batch, going = self._batch()
            self.write(batch, monotonic())
        for branch in self._branches:
            with suppress(OSError):
                branch.outlet.close()

    def _batch(self) -> tuple[list[Exchange], bool]:
        """The queued exchanges, at least one; False: there will be no more."""
        found: list[Exchange] = []
        try:
            while len(found) < BATCH:
                one = self._queue.get(block=not found)
                if one is None:
                    return found, False
                found.append(one)
        except Empty:
            pass
        return found, True

    def write(self, batch: Sequence[Exchange], now: float) -> None:
        """Read exchanges by what is served now, and write them everywhere."""
        snapshot = self._snapshot()
        if self._looker is None or self._looker.snapshot is not snapshot:
            self._looker = ExchangeReader(snapshot)
        seen = []
        for exchange in batch:
            try:
                seen.append(self._looker.see(exchange))
            except Exception:  # whatever the network sends must not end the thread
                self.counts.dropped += 1
        if not seen:
            return
        written = True
        for branch in self._branches:
            data = b"".join(map(branch.form, seen))
            written = self._write(branch, data, now) and written
        if written:
            self.counts.written += len(seen)
        else:
            self.counts.dropped += len(seen)

    def _write(self, branch: Branch, data: bytes, now: float) -> bool:
        """Write to one outlet; False if it was dropped."""
        try:
            went = branch.outlet.write(data, now)
        except OSError as error:
            if not branch.failing:
                self._report(f"cannot write {branch.name}: {error}")
            branch.failing = True
            return False
        if went and branch.failing:
            self._report(f"can write {branch.name} again")
            branch.failing = False
        return went
