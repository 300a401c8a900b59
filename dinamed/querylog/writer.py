"""The thread of the query log: slow disks and readers block only this thread."""

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic

from dinamed.plans.snapshot import Snapshot
from dinamed.querylog.exchange_reader import Exchange, ExchangeReader, ReadExchange
from dinamed.querylog.outlets import Outlet
from dinamed.querylog.plane_log import Outcome, WritesOfPlane, Written

MOST_WAITING = 20_000
"""Exchanges that wait to be written; what comes on top of them is dropped."""
BATCH = 500
"""Of them, how many are written at once."""
OUTLETS = 3
"""Of lines one, of frames two."""
TURN = 0.1
"""Seconds that the plane's part is written at a time, before that of Python."""
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
    lines: bool = True
    """Whether these are lines, not frames."""
    failing: bool = field(default=False)


class Writer:
    """Takes exchanges and has a thread write them, and what the plane has noted.

    `snapshot` gives what is served now; `report` is told, in the thread, when writing
    begins to fail and when it goes on.
    """

    def __init__(
        self,
        branches: Sequence[Branch],
        snapshot: Callable[[], Snapshot],
        report: Callable[[str], None],
        plane: WritesOfPlane | None = None,
    ) -> None:
        self._branches = branches
        self._plane = plane
        frames = [branch for branch in branches if not branch.lines]
        lines = [branch for branch in branches if branch.lines]
        # As `WritesOfPlane.write` wants its descriptors.
        wanted: list[Branch | None] = [*lines[:1], *([] if lines else [None]), *frames]
        self._places = [*wanted, None, None][:OUTLETS]
        self._snapshot = snapshot
        self._report = report
        self._queue: SimpleQueue[Exchange | None] = SimpleQueue()
        self._looker: ExchangeReader | None = None
        self._thread: threading.Thread | None = None
        self._counts = LogCounts()

    @property
    def counts(self) -> LogCounts:
        """What was written and dropped so far."""
        if self._plane is None:
            return self._counts
        return LogCounts(
            self._counts.written + self._plane.written,
            self._counts.dropped + self._plane.dropped,
        )

    @property
    def ended(self) -> bool:
        """Whether the thread is no more; it may be held up by a disk after `stop`."""
        return self._thread is None or not self._thread.is_alive()

    def offer(self, exchange: Exchange) -> None:
        """Queue an exchange, if there is room.  Never waits."""
        if self._queue.qsize() >= MOST_WAITING:
            self._counts.dropped += 1
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
            batch, going = self._batch(patiently=self._plane is None)
            self.write(batch, monotonic())
            if self._plane is not None:
                self._write_of_plane(self._plane, TURN if going else 0.0)
        for branch in self._branches:
            with suppress(OSError):
                branch.outlet.close()

    def _batch(self, patiently: bool) -> tuple[list[Exchange], bool]:
        """The queued exchanges, some if `patiently`; False: these are the last."""
        found: list[Exchange] = []
        try:
            while len(found) < BATCH:
                one = self._queue.get(block=patiently and not found)
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
                self._counts.dropped += 1
        if not seen:
            return
        written = True
        for branch in self._branches:
            data = b"".join(map(branch.form, seen))
            written = self._write(branch, data, now) and written
        if written:
            self._counts.written += len(seen)
        else:
            self._counts.dropped += len(seen)

    def _write_of_plane(self, plane: WritesOfPlane, seconds: float) -> None:
        """Write what the plane has noted until now, and for some seconds."""
        until = monotonic() + seconds
        while True:
            now = monotonic()
            descriptors = [self._descriptor(branch, now) for branch in self._places]
            before = plane.written
            written = plane.write(descriptors, max(0.0, until - now))
            if plane.written != before:
                self._all_go_on()
            if written.outcome is Outcome.EXCHANGE and written.exchange is not None:
                self.write([written.exchange], now)
            elif written.outcome is Outcome.FAILED:
                self._failed(written)
            else:
                return

    def _descriptor(self, branch: Branch | None, now: float) -> int | None:
        """What to write to; -1 for nothing, None for what cannot be written now."""
        if branch is None:
            return -1
        try:
            return branch.outlet.descriptor(now)
        except OSError as error:
            self._fails(branch, error)
            return None

    def _all_go_on(self) -> None:
        """Something is counted as written only if every branch has it."""
        for branch in self._branches:
            self._goes_on(branch)

    def _failed(self, written: Written) -> None:
        branch = self._places[written.outlet]
        assert branch is not None
        branch.outlet.give_up()
        self._fails(branch, OSError(written.error, os.strerror(written.error)))

    def _fails(self, branch: Branch, error: OSError) -> None:
        if not branch.failing:
            self._report(f"cannot write {branch.name}: {error}")
        branch.failing = True

    def _goes_on(self, branch: Branch) -> None:
        if branch.failing:
            self._report(f"can write {branch.name} again")
        branch.failing = False

    def _write(self, branch: Branch, data: bytes, now: float) -> bool:
        """Write to one outlet; False if it was dropped."""
        try:
            went = branch.outlet.write(data, now)
        except OSError as error:
            self._fails(branch, error)
            return False
        if went:
            self._goes_on(branch)
        return went
