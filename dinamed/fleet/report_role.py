"""Reports of load: each member is asked by a few servers, and all know what it said."""

from collections.abc import Callable

from dinamed.fleet.records import Codec, Reports, SharedReport
from dinamed.fleet.roles import Sender, Steps, Values, chunk_of, chunks_for
from dinamed.pools.manager import PoolManager
from dinamed.pools.report import Report

OLDEST = 900.0
"""Seconds after which a report is told no more."""

AT_ONCE = 64
"""Reports that are taken at a stretch."""


class ReportRole:
    """The sink of this server's own feeds, that tells the other servers too.

    A report is told with the time of the sender's clock, so what is not new is the
    same octets again.
    """

    name = "reports"

    def __init__(self, manager: PoolManager, seconds: Callable[[], float]) -> None:
        self._manager = manager
        self._seconds = seconds
        self._codec = Codec(Reports)
        self._own: dict[str, dict[str, Report]] = {}
        self._heard: dict[tuple[str, str, str], float] = {}
        self._chunks = 1

    def report(self, pool: str, member: str, report: Report, *, now: float) -> bool:
        """Take a report that was given to this server."""
        taken = self._manager.report(pool, member, report, now=now)
        if taken:
            self._own.setdefault(pool, {})[member] = report
        return taken

    def feed_failed(self, pool: str, member: str, reason: str, *, now: float) -> None:
        """Take that a member could not be asked: another server may have been luckier.

        That is told only if there is no report of another server either.
        """
        self._manager.feed_failed(pool, member, reason, now=now)

    def values(self) -> Values:
        """All reports of one's own that are not too old."""
        now, views = self._seconds(), self._manager.views
        chunks: dict[str, dict[str, dict[str, SharedReport]]] = {}
        for number, pool in enumerate(tuple(self._own)):
            if number % AT_ONCE == 0:
                yield None
            fresh = {
                name: report
                for name, report in self._own[pool].items()
                if now - report.at < OLDEST
                and pool in views
                and name in views[pool].member_states
            }
            if not fresh:
                del self._own[pool]
                continue
            self._own[pool] = fresh
            told = {name: _shared(report) for name, report in fresh.items()}
            chunks.setdefault(chunk_of(pool, self._chunks), {})[pool] = told
        octets = 0
        for chunk, pools in chunks.items():
            data = self._codec.pack(Reports(pools=pools))
            octets += len(data)
            yield chunk, data
        self._chunks = chunks_for(octets, self._chunks)

    def hear(self, sender: Sender, chunk: str, value: bytes) -> Steps:
        """Take what members have said to another server, as far as it is news."""
        told = self._codec.read(value)
        number = 0
        for pool, members in told.pools.items():
            for member, shared in members.items():
                number += 1
                if number % AT_ONCE == 0:
                    yield
                key = sender.name, pool, member
                if self._heard.get(key, -1.0) >= shared.at:
                    continue
                if self._take(sender, pool, member, shared):
                    self._heard[key] = shared.at

    def _take(
        self, sender: Sender, pool: str, member: str, shared: SharedReport
    ) -> bool:
        """Post a report; False if there is no such member."""
        now = self._seconds()
        view = self._manager.views.get(pool)
        if view is None or member not in view.member_states:
            return False
        report = Report(
            load=shared.load,
            at=now - sender.age(shared.at, now),
            source=f"{sender.name}: {shared.source}",
            received=now,
            capacity=shared.capacity or None,
            increment=shared.increment,
            out=shared.out,
        )
        self._manager.report(pool, member, report, now=now)
        return True

    def lost(self, server: str) -> None:
        """What it said fades by its age."""
        self._heard = {k: at for k, at in self._heard.items() if k[0] != server}

    def tick(self) -> None:
        """Reports fade by themselves."""


def _shared(report: Report) -> SharedReport:
    return SharedReport(
        load=report.load,
        at=report.at,
        source=report.source,
        capacity=report.capacity,
        increment=report.increment,
        out=report.out,
    )
