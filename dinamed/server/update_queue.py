"""Dynamic updates in their order, without holding up anything else."""

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.server.updated_zones import UpdatedZones, UpdateStep
from dinamed.transfers.update import RRsets, UpdateError
from dinamed.wire.constants import Rcode
from dinamed.wire.names import WireName
from dinamed.zones.packed import PackedZone

MOST_WAITING = 1000
"""Updates of one zone that wait for others."""

Changed = Mapping[bytes, RRsets]
Change = Callable[[PackedZone], tuple[Changed, int | None]]
"""From the zone as it is to the names as they are to be, and the serial if one is asked
for.  Raises `UpdateError`."""
Done = Callable[[Changed | UpdateError], object]
"""Is told what has changed, once that is saved and served, or why nothing has."""


class _Wanted(NamedTuple):
    change: Change
    done: Done


class UpdateQueue:
    """Makes the updates of each zone one after the other.

    Each sees the zone as the one before has left it.  The zone is made, and what has
    changed is saved, in a thread; `served` is called to serve it before `done` is told.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, zones: UpdatedZones, served: Callable[[UpdateStep], object]
    ) -> None:
        self._reactor = reactor
        self._zones = zones
        self._served = served
        self._waiting: dict[WireName, deque[_Wanted]] = {}
        """Of each zone that is being updated, what has to wait."""
        self.held = False
        """Whether nothing may be changed: another process has read what is saved."""

    def update(self, origin: WireName, change: Change, done: Done) -> None:
        """Change a zone when it is this one's turn; `done` may be told at once."""
        waiting = self._waiting.get(origin)
        if waiting is None:
            self._waiting[origin] = deque([_Wanted(change, done)])
            self._go_on(origin)
        elif len(waiting) >= MOST_WAITING:
            done(UpdateError(Rcode.SERVFAIL, "too many updates wait"))
        else:
            waiting.append(_Wanted(change, done))

    def _go_on(self, origin: WireName) -> None:
        """Begin with the next update that takes long; quick ones are done here."""
        waiting = self._waiting[origin]
        while waiting:
            wanted = waiting.popleft()
            try:
                changed, step = self._begin(origin, wanted.change)
            except UpdateError as error:
                self._tell(wanted.done, error)
                continue
            if step is None:
                self._tell(wanted.done, changed)
                continue
            made = deferToThreadPool(
                self._reactor, self._reactor.getThreadPool(), self._zones.make, step
            )
            made.addCallback(partial(self._made, step, changed, wanted.done))
            made.addErrback(self._not_made, wanted.done)
            made.addCallback(lambda _: self._go_on(origin))
            made.addErrback(self._lost)
            return
        del self._waiting[origin]

    def _begin(
        self, origin: WireName, change: Change
    ) -> tuple[Changed, UpdateStep | None]:
        if self.held:
            raise UpdateError(Rcode.SERVFAIL, "another process is taking over")
        changed, serial = change(self._zones.served(origin))
        if not changed and serial is None:
            return changed, None
        return changed, self._zones.prepare(origin, changed, serial)

    def _made(self, step: UpdateStep, changed: Changed, done: Done, _: None) -> None:
        self._zones.commit(step)
        self._served(step)
        if self.held:  # perhaps what was saved was read before
            why = "another process is taking over"
            self._tell(done, UpdateError(Rcode.SERVFAIL, why))
        else:
            self._tell(done, changed)

    def _not_made(self, failure: Failure, done: Done) -> None:
        if isinstance(failure.value, UpdateError):
            self._tell(done, failure.value)
            return
        self.log.failure("an update could not be made", failure)
        self._tell(done, UpdateError(Rcode.SERVFAIL, "an error of ours"))

    def _tell(self, done: Done, outcome: Changed | UpdateError) -> None:
        try:
            done(outcome)
        except Exception:
            self.log.failure("what came of an update was not told")

    def _lost(self, failure: Failure) -> None:
        self.log.failure("updates do not go on", failure)
