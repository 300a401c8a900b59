"""The service that runs all checks and passes on their verdicts."""

import random
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.clock import Clock
from dinamed.config.checks import ExecCheck, FileCheck, PoolCheck, StatusCheck
from dinamed.health.aggregate import HealthVerdict
from dinamed.health.hysteresis import CheckRecord
from dinamed.health.probes import HealthReactor, MakeProbe, make_probe
from dinamed.health.results import Probe, Result, failed, lacked
from dinamed.health.scheduling import BOUNDS, ConcurrencyLimit, SchedulingLag
from dinamed.health.watches import (
    HealthWatch,
    MemberKey,
    Roster,
    SavedCheck,
    WatchedPool,
)
from dinamed.histogram import Histogram
from dinamed.limits.files import CHECKS, files_share
from dinamed.shortage import Shortages, shortage

LOCAL = ExecCheck | FileCheck | StatusCheck | PoolCheck
"""Checks that connect to nobody."""
MAX_REMOTE = 16384  # connections and sockets at once
MAX_LOCAL = 32  # processes and threads at once
FIRST_RATE = 2000  # probes begun in a second while the first round lasts
FIRST_SHARE = 0.8  # of the time limit, within which the first round begins
GRACE = 0.25  # seconds after the time limit, for who hangs to be known as such
SETTLING = 0.1  # seconds for which verdicts are gathered before they are told


class MemberVerdict(NamedTuple):
    """A verdict on a member, as it goes to the pool manager."""

    pool: str
    member: str
    healthy: bool | None
    reason: str
    failing: tuple[tuple[str, str], ...] = ()


class VerdictSink(Protocol):
    """What takes verdicts on members."""

    def verdicts(self, changed: Sequence[MemberVerdict]) -> None:
        """Take new verdicts; there may be many at once."""
        ...


class CheckStatus(NamedTuple):
    """The state of one address of a member under one check."""

    check: str
    address: str
    up: bool | None
    since: float | None
    reason: str
    history: tuple[CheckRecord, ...]


class HealthService(Service):
    """Checks the members of pools, each distinct target and check once an interval.

    The first round goes as fast as `FIRST_RATE` allows; after that probes are spread
    over the interval.  A target is never probed twice at the same time.  Where more
    than `limit` probes would run at once some begin late, which `lag` tells;
    without a limit it is half of the files that the process may open.  Results are
    dated by `wall`, if not by the reactor's clock.
    """

    log = Logger()

    def __init__(
        self,
        reactor: HealthReactor,
        gateway: VerdictSink,
        pools: Iterable[WatchedPool],
        rng: random.Random,
        *,
        limit: int | None = None,
        make: MakeProbe = make_probe,
        wall: Clock | None = None,
    ) -> None:
        self.lag = SchedulingLag()
        self.durations = Histogram(BOUNDS)
        """Seconds that probes took."""
        self.passed = 0
        self.failed = 0
        self.shortages = Shortages()
        """Checks that came to nothing for what this host lacks."""
        self._reactor = reactor
        self._wall = wall or reactor.seconds
        self._gateway = gateway
        self._rng = rng
        self._make = make
        self._gate = ConcurrencyLimit(limit or files_share(CHECKS, 64, MAX_REMOTE))
        self._local = ConcurrencyLimit(MAX_LOCAL)
        self._roster = Roster()
        self._told: dict[MemberKey, HealthVerdict] = {}
        self._dirty: set[MemberKey] = set()
        self._telling: IDelayedCall | None = None
        self._unknown: set[HealthWatch] = set()
        self._round_over = False
        self._round_limit: IDelayedCall | None = None
        self._round_waiters: list[Deferred[None]] = []
        self.reconfigure(pools)

    @property
    def in_flight(self) -> int:
        """How many probes run."""
        return self._gate.running + self._local.running

    @property
    def watches(self) -> int:
        """How many pairs of target and check there are."""
        return len(self._roster.watches)

    @property
    def waiting(self) -> int:
        """How many probes are due and wait for others to end."""
        return self._gate.waiting + self._local.waiting

    def startService(self) -> None:
        """Begin; verdicts from saved states are told at once."""
        super().startService()
        watches = list(self._roster.watches.values())
        self._unknown = {watch for watch in watches if watch.checker.up is None}
        self._begin(watches)
        self._dirty.update(self._roster.watching)
        self._tell()
        if self._unknown and not self._round_over:
            longest = max(watch.check.limit for watch in self._unknown)
            # Its probes began a little after the round, and are late a little after it.
            self._round_limit = self._reactor.callLater(
                longest + GRACE, self._end_round
            )
        else:
            self._end_round()

    def stopService(self) -> None:
        """End; every probe that runs is cut off, and what it holds is freed."""
        super().stopService()
        self._gate.clear()
        self._local.clear()
        for watch in self._roster.watches.values():
            watch.stop()
            watch.gone = False
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        self._end_round()

    def reconfigure(self, pools: Iterable[WatchedPool]) -> None:
        """Check the members of these pools.  Watches that stay keep their state.

        The keeper of states must know the pools already.
        """
        before = set(self._roster.watching)
        added, gone, checks = self._roster.update(pools)
        probes: dict[object, Probe] = {
            check: self._make(self._reactor, check, self._rng) for check in checks
        }
        for watch in self._roster.watches.values():
            watch.probe = probes[watch.check]
        for watch in gone:
            watch.stop()
            self._known(watch)
        self._dirty |= before | set(self._roster.watching)
        if self.running:
            self._begin(added)
            self._tell()

    def first_round(self) -> "Deferred[None]":
        """Fires when something is known of every target, at the latest when the
        longest time limit (and a moment) is over since the start; at once where that
        has been."""
        if self._round_over:
            return succeed(None)
        waiter: Deferred[None] = Deferred()
        self._round_waiters.append(waiter)
        return waiter

    def saved(self) -> list[SavedCheck]:
        """The states of all targets, for `restore` after a restart."""
        return self._roster.saved()

    def restore(self, saved: Iterable[SavedCheck]) -> None:
        """Start from saved states; each holds until the target's first result."""
        self._roster.restore(saved)

    def status(self, pool: str, member: str) -> list[CheckStatus]:
        """The check status of a member's addresses; empty if it is not checked."""
        return [
            CheckStatus(
                str(watch.check.__struct_config__.tag),
                watch.target.address,
                watch.checker.up,
                watch.checker.since,
                watch.checker.reason,
                tuple(watch.checker.history),
            )
            for group in self._roster.watching.get((pool, member), ())
            for watch in group
        ]

    def _begin(self, watches: list[HealthWatch]) -> None:
        """Plan the first and second probes of watches, in random order.

        The first come soon, the second at their places within the interval.
        """
        now = self._reactor.seconds()
        order = list(watches)
        self._rng.shuffle(order)
        for place, watch in enumerate(order):
            interval = watch.check.interval
            share = (place + self._rng.random()) / len(order)
            soon = min(watch.check.limit * FIRST_SHARE, len(order) / FIRST_RATE)
            watch.due = now + share * soon
            watch.then = now + share * interval
            if watch.then - watch.due < interval / 2:
                watch.then += interval
            self._plan(watch, now)

    def _plan(self, watch: HealthWatch, now: float) -> None:
        delay = max(0.0, watch.due - now)
        watch.timer = self._reactor.callLater(delay, self._is_due, watch)

    def _is_due(self, watch: HealthWatch) -> None:
        watch.timer = None
        self._gate_of(watch).enter(partial(self._run, watch))

    def _gate_of(self, watch: HealthWatch) -> ConcurrencyLimit:
        local = isinstance(watch.check, LOCAL)
        return self._local if local else self._gate

    def _run(self, watch: HealthWatch) -> None:
        if watch.gone or watch.probe is None:
            self._gate_of(watch).leave()
            return
        watch.began = self._reactor.seconds()
        self.lag.add(watch.began - watch.due)
        try:
            result = watch.probe.probe(watch.target)
        except Exception:
            result = fail()
        watch.running = result
        result.addBoth(self._finished, watch)

    def _finished(self, found: Result | Failure, watch: HealthWatch) -> None:
        watch.running = None
        stopped = watch.gone
        if isinstance(found, Failure):
            if found.check(CancelledError):
                stopped = True
            found = self._broke(found)
        if not stopped:
            now = self._reactor.seconds()
            self._take(found, watch, now)
            if self.running:  # whoever was told may have stopped us
                self._again(watch, now)
        self._gate_of(watch).leave()

    def _broke(self, failure: Failure) -> Result:
        """The result of a probe that raised an exception."""
        if failure.check(CancelledError):
            return failed("cancelled")
        lack = shortage(failure.value)
        if lack:
            return lacked(lack)
        self.log.failure("a check broke", failure=failure)
        return failed(f"the check broke: {failure.value!r}")

    def _lack(self, reason: str, watch: HealthWatch, now: float) -> None:
        """A probe came to nothing for a lack of ours: what was known stays."""
        if watch.checker.lack(reason):
            self._change(watch)
        if self.shortages.note(reason, now):
            self.log.error(
                "checks can't be made: {reason}; the last verdicts stay", reason=reason
            )
        self._known(watch)

    def _again(self, watch: HealthWatch, now: float) -> None:
        """Plan the next probe, at the watch's place in the first interval to come."""
        interval = watch.check.interval
        watch.due = watch.then
        if watch.due <= now:
            watch.due += ((now - watch.due) // interval + 1) * interval
        watch.then = watch.due + interval
        self._plan(watch, now)

    def _take(self, result: Result, watch: HealthWatch, now: float) -> None:
        if result.lacking:
            self._lack(result.reason, watch, now)
            return
        if result.ok:
            self.passed += 1
        else:
            self.failed += 1
        checker = watch.checker
        reason = checker.reason
        seconds = max(0.0, now - watch.began)
        self.durations.add(seconds)
        changed = checker.take(
            CheckRecord(self._wall(), result.ok, seconds, result.reason)
        )
        if changed or (checker.up is False and checker.reason != reason):
            self._change(watch)
        self._known(watch)

    def _change(self, watch: HealthWatch) -> None:
        """Pass on verdicts on the watch's members soon."""
        self._dirty.update(watch.members)
        if self._telling is None:
            self._telling = self._reactor.callLater(SETTLING, self._tell)

    def _known(self, watch: HealthWatch) -> None:
        """Something is known of the watch, or need not be known any more."""
        if watch in self._unknown:
            self._unknown.discard(watch)
            if not self._unknown:
                self._end_round()

    def _end_round(self) -> None:
        if self._round_limit is not None and self._round_limit.active():
            self._round_limit.cancel()
        self._round_limit = None
        self._unknown.clear()
        self._round_over = True
        if self.running:
            self._tell()
        waiters, self._round_waiters = self._round_waiters, []
        for waiter in waiters:
            waiter.callback(None)

    def _tell(self) -> None:
        """Pass on all verdicts that have changed."""
        if self._telling is not None and self._telling.active():
            self._telling.cancel()
        self._telling = None
        dirty, self._dirty = self._dirty, set()
        changed = []
        for member in sorted(dirty):
            before = self._told.pop(member, HealthVerdict(None))
            if member not in self._roster.members:
                continue  # the keeper has forgotten it too
            verdict = self._roster.judge(member)
            if verdict.healthy is None:
                verdict = HealthVerdict(None, failing=verdict.failing)
            if verdict != before:
                pool, name = member
                changed.append(MemberVerdict(pool, name, *verdict))
            if member in self._roster.watching:
                self._told[member] = verdict
        if changed:
            try:
                self._gateway.verdicts(changed)
            except Exception:
                self.log.failure("verdicts of checks were not taken")
