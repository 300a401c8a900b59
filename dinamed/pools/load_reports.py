"""The last report of each member, and how far it still counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from dinamed.pools.clock import SteadyClock
from dinamed.pools.report import Report

STALE_AFTER = 30.0
"""Seconds, where no feed says otherwise: three usual intervals."""

SLACK = 0.001
"""Seconds by which a report may be older than the last one, for rounding."""


@dataclass(frozen=True, slots=True)
class MemberReport:
    """The last report of a member, and the last failure to get one.

    `measured` is the time of the report on the pool's steady clock.  `failure` says in
    words why the feed has failed since, at the Unix time `failed_at`; "" if it hasn't.
    """

    report: Report | None = None
    measured: float = 0.0
    failure: str = ""
    failed_at: float = 0.0


class LoadReports:
    """Reports by member's name.

    A report counts in full for `stale_after` seconds, and then less and less until,
    at twice that age, it does not count at all.  Ages go by a steady clock, so that
    setting the time of day back makes no report young again.
    """

    __slots__ = ("_clock", "_posted", "edition", "stale_after")

    def __init__(self, clock: SteadyClock, stale_after: float = STALE_AFTER) -> None:
        self._clock = clock
        self._posted: dict[str, MemberReport] = {}
        self.stale_after = stale_after
        self.edition = 0
        """Goes up with every report that is posted."""

    @property
    def posted(self) -> Mapping[str, MemberReport]:
        """The reports by member's name; members without any are left out."""
        return MappingProxyType(self._posted)

    def keep(self, names: Iterable[str]) -> None:
        """Forget all but these members."""
        posted = self._posted
        self._posted = {name: posted[name] for name in names if name in posted}
        self.edition += 1

    def post(self, name: str, report: Report, now: float) -> bool:
        """Take a report; False if it is older than the one that is there."""
        measured = self._clock.read(now) - max(0.0, now - report.at)
        old = self._posted.get(name)
        if (
            old is not None
            and old.report is not None
            and measured < old.measured - SLACK
        ):
            return False
        self._posted[name] = MemberReport(report, measured)
        self.edition += 1
        return True

    def fail(self, name: str, reason: str, now: float) -> None:
        """Record that the feed has failed; the last report stays."""
        old = self._posted.get(name, MemberReport())
        self._posted[name] = replace(old, failure=reason, failed_at=now)

    def freshness(self, name: str, time: float) -> float:
        """How far the member's report counts at that time of the steady clock.

        1 up to the age `stale_after`, falling in a straight line to 0 at twice that
        age; 0 without a report, and for one that says "out".
        """
        posted = self._posted.get(name)
        if posted is None or posted.report is None or posted.report.out:
            return 0.0
        return self._counts(posted, time)

    def says_out(self, name: str, time: float) -> bool:
        """Whether the member asks not to be handed out, and that still counts."""
        posted = self._posted.get(name)
        if posted is None or posted.report is None or not posted.report.out:
            return False
        return self._counts(posted, time) > 0

    def load(self, name: str, now: float) -> float | None:
        """The member's load as far as it is known; None if no report counts."""
        if not self.freshness(name, self._clock.read(now)):
            return None
        report = self._posted[name].report
        return None if report is None else report.load

    def _counts(self, posted: MemberReport, time: float) -> float:
        left = 2.0 - (time - posted.measured) / self.stale_after
        return max(0.0, min(1.0, left))
