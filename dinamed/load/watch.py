"""One target of a feed: its schedule, and how its polls went."""

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.load.poller import FeedError, FeedShortageError, Poller
from dinamed.pools.report import Report
from dinamed.shortage import shortage

MemberRef = tuple[str, str]
"""A pool, and a member of it."""


class LoadWatch:
    """Asks a target every `interval` seconds, never twice at a time.

    A report that is twice as old as `stale` seconds when it comes counts for nothing,
    and so is none.

    `members` are the members that its reports are about.  `told` is called with a
    report, or with the words for which there is none; `lacked` with what this host
    itself lacks, where that is why there is none.

    @ivar last: the last report.
    @ivar reason: why the last poll failed; "" if it did not.
    @ivar polls: how many polls have ended.
    @ivar failures: how many of them failed; `in_row` of the last ones.
    @ivar skipped: how many were due while another was still running.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        poller: Poller,
        interval: float,
        stale: float,
        label: str,
        told: Callable[["LoadWatch", Report | str], None],
        lacked: Callable[[str], None],
    ) -> None:
        self.label = label
        self.members: tuple[MemberRef, ...] = ()
        self.last: Report | None = None
        self.reason = ""
        self.polls = self.failures = self.in_row = self.skipped = 0
        self._clock = clock
        self._poller = poller
        self._interval = interval
        self._stale = stale
        self._told = told
        self._lacked = lacked
        self._due = 0.0
        self._call: IDelayedCall | None = None
        self._running: Deferred[Report | None] | None = None

    def serve(self, members: tuple[MemberRef, ...]) -> None:
        """Set the members that the reports are about."""
        self.members = members

    def start(self, delay: float) -> None:
        """Ask for the first time after `delay` seconds, and regularly from then on."""
        self._due = self._clock.seconds() + delay
        self._call = self._clock.callLater(delay, self._tick)

    def stop(self) -> None:
        """Ask no more, and give up what is running."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        running, self._running = self._running, None
        if running is not None:
            running.cancel()

    def _tick(self) -> None:
        now = self._clock.seconds()
        self._due += self._interval
        if self._due < now:
            self._due = now + self._interval
        self._call = self._clock.callLater(self._due - now, self._tick)
        if self._running is None:
            self._poll()
        else:
            self.skipped += 1

    def _poll(self) -> None:
        try:
            polled = self._poller.poll()
        except Exception:  # one member must not end the asking
            self._failed(Failure())
            return
        self._running = polled
        polled.addCallbacks(self._reported, self._failed)

    def _reported(self, report: Report | None) -> None:
        self._running = None
        if report is not None:
            age = report.received - report.at
            if age >= 2 * self._stale:
                self._refused(f"the report is {_span(age)} old, so it does not count")
                return
        self.polls += 1
        if self.in_row:
            self.in_row = 0
            self.reason = ""
            self._log.info("load of {label}: answers again", label=self.label)
        if report is not None:
            self.last = report
            self._told(self, report)

    def _failed(self, failure: Failure) -> None:
        self._running = None
        if failure.check(CancelledError):
            return
        lack = failure.check(FeedShortageError) or shortage(failure.value)
        if lack:
            # Nothing is known of the target: its last report stays, and ages.
            words = (
                failure.getErrorMessage() if lack is FeedShortageError else str(lack)
            )
            self._lacked(words)
            return
        if failure.check(FeedError):
            reason = failure.getErrorMessage()
        else:
            self._log.failure("asking {label}", failure, label=self.label)
            reason = f"failed: {type(failure.value).__name__}"
        self._refused(reason)

    def _refused(self, reason: str) -> None:
        """Take that there is no report, and why."""
        self.polls += 1
        self.failures += 1
        self.in_row += 1
        if not self.reason:
            self._log.warn("load of {label}: {reason}", label=self.label, reason=reason)
        self.reason = reason
        self._told(self, reason)


def _span(seconds: float) -> str:
    """A span of time in its largest unit."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
