"""The service: who is probed when, and what is told to whom."""

import errno
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import cast

import msgspec
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.checks import Check, ExecCheck, HttpCheck, HttpsCheck, TcpCheck
from dinamed.config.combined import CheckRule
from dinamed.config.settings import MemberSettings
from dinamed.health import service as health_service
from dinamed.health.probes import HealthReactor, make_probe
from dinamed.health.results import PASSED, ProbeTarget, Result, lacked
from dinamed.health.service import MAX_LOCAL, SETTLING, HealthService, MemberVerdict
from dinamed.health.watches import SavedCheck

TCP = TcpCheck(port=80)
DOWN = Result(False, "dead")


@dataclass(frozen=True)
class Pool:
    """As much of a pool as the service looks at."""

    name: str
    members: Sequence[MemberSettings]
    check: Sequence[Check] = (TCP,)
    check_rule: CheckRule | None = None


def members(count: int) -> tuple[MemberSettings, ...]:
    """Members of one address each."""
    return tuple(
        MemberSettings(
            name=f"m{number}", addresses=(f"10.0.{number // 256}.{number % 256}",)
        )
        for number in range(count)
    )


def pool(count: int = 1, *check: Check, name: str = "p") -> Pool:
    """A pool of so many members."""
    return Pool(name, members(count), check or (TCP,))


@dataclass
class Probes:
    """In place of real probes: answers as `answer` says, or leaves it open (None)."""

    answer: Callable[[ProbeTarget, Check], Result | None] = lambda target, check: PASSED
    clock: Clock = field(default_factory=Clock)
    begun: list[tuple[float, str]] = field(default_factory=list)
    made: list[Check] = field(default_factory=list)
    open: dict[str, Deferred[Result]] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)

    def make(self, reactor: HealthReactor, check: Check, rng: random.Random) -> "One":
        """See L{dinamed.health.probes.MakeProbe}."""
        self.made.append(check)
        return One(self, check)

    def times(self, address: str) -> list[float]:
        """When that address was probed."""
        return [time for time, probed in self.begun if probed == address]


@dataclass
class One:
    """A probe of one check."""

    all: Probes
    check: Check

    def probe(self, target: ProbeTarget) -> Deferred[Result]:
        """See L{dinamed.health.results.Probe}."""
        self.all.begun.append((self.all.clock.seconds(), target.address))
        result = self.all.answer(target, self.check)
        if result is not None:
            return succeed(result)

        def cancelled(_: Deferred[Result]) -> None:
            self.all.cancelled.append(target.address)

        waiting: Deferred[Result] = Deferred(cancelled)
        self.all.open[target.address] = waiting
        return waiting


class Keeper:
    """Takes verdicts."""

    def __init__(self) -> None:
        self.calls = 0
        self.told: list[MemberVerdict] = []

    def verdicts(self, changed: Sequence[MemberVerdict]) -> None:
        """See L{dinamed.health.service.Gateway}."""
        self.calls += 1
        self.told += changed


class ServiceCase(SynchronousTestCase):
    """Base: a service on a fake clock."""

    def setUp(self) -> None:
        """Make the fakes."""
        self.probes = Probes()
        self.clock = self.probes.clock
        self.keeper = Keeper()

    def make(self, *pools: Pool, limit: int = 1000) -> HealthService:
        """A service, not started."""
        service = HealthService(
            cast(HealthReactor, self.clock),
            self.keeper,
            pools,
            random.Random(7),
            limit=limit,
            make=self.probes.make,
        )
        return service

    def start(self, *pools: Pool, limit: int = 1000) -> HealthService:
        """A service that runs; it ends with the test."""
        service = self.make(*pools, limit=limit)
        service.startService()
        self.addCleanup(self.end, service)
        return service

    def end(self, service: HealthService) -> None:
        """Stop a service; nothing must be left of it."""
        if service.running:
            service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual((service.in_flight, service.waiting), (0, 0))

    def go(self, seconds: float) -> None:
        """Let time pass in small steps."""
        for _ in range(round(seconds * 20)):
            self.clock.advance(0.05)

    def told(self) -> list[MemberVerdict]:
        """What was told since the last time."""
        told, self.keeper.told = self.keeper.told, []
        return told


class ShortageTests(ServiceCase):
    """What this host lacks is no verdict."""

    def test_last_verdict_stays(self) -> None:
        """However long it lasts, who was up stays up, and who was down stays down."""
        self.probes.answer = lambda target, check: (
            DOWN if target.address == "10.0.0.1" else PASSED
        )
        service = self.start(pool(2))
        self.go(15)
        before = {told.member: told.healthy for told in self.told()}
        self.assertEqual(before, {"m0": True, "m1": False})
        self.probes.answer = lambda target, check: lacked("Too many open files")
        self.go(100)
        self.assertEqual(self.told(), [])
        self.assertEqual((service.passed, service.failed), (2, 2))
        self.assertGreater(service.shortages.count, 15)
        self.probes.answer = lambda target, check: DOWN
        self.go(25)
        self.assertEqual(
            [(told.member, told.healthy) for told in self.told()], [("m0", False)]
        )

    def test_first_round(self) -> None:
        """Nobody waits for a verdict that can't be had, and none is told."""
        self.probes.answer = lambda target, check: lacked("Too many open files")
        service = self.start(pool(2))
        self.go(0.2)
        self.successResultOf(service.first_round())
        self.assertEqual([told for told in self.told() if told.healthy], [])

    def test_errors(self) -> None:
        """Errors of a probe are taken by what they mean."""
        for error in (OSError(errno.ENFILE, "files"), MemoryError()):
            self.probes.answer = lambda target, check: None
            service = self.start(pool())
            self.go(0.1)
            self.probes.open.pop("10.0.0.0").errback(error)
            self.assertEqual((service.shortages.count, service.failed), (1, 0))
            service.stopService()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_other_family(self) -> None:
        """An address that nobody here can reach does not keep a member up."""
        self.probes.answer = lambda target, check: (
            lacked("no route for IPv6") if target.is_v6 else DOWN
        )
        both = MemberSettings(name="m", addresses=("192.0.2.1", "2001:db8::1"))
        self.start(Pool("p", (both,)))
        self.go(1)
        self.assertEqual([told.healthy for told in self.told()][-1:], [False])


class ScheduleTests(ServiceCase):
    """When probes begin."""

    def test_interval(self) -> None:
        """A probe begins every interval, exactly."""
        self.start(pool())
        self.go(45)
        times = self.probes.times("10.0.0.0")
        self.assertEqual(len(times), 5)
        for one, other in pairwise(times[1:]):
            self.assertAlmostEqual(other - one, 10, delta=0.06)

    def test_spread(self) -> None:
        """After the first round probes are spread evenly over the interval."""
        self.start(pool(200))
        self.go(20)
        for second in range(10, 20):
            begun = [t for t, _ in self.probes.begun if second <= t < second + 1]
            self.assertAlmostEqual(len(begun), 20, delta=3)

    def test_gap(self) -> None:
        """Between the first and the second probe is about an interval."""
        self.start(pool(100))
        self.go(25)
        for member in members(100):
            first, second, *_ = self.probes.times(member.addresses[0])
            self.assertTrue(4.9 <= second - first <= 15.1)

    def test_first_round_is_soon(self) -> None:
        """The first round of a few members does not wait for the interval."""
        self.start(pool(20))
        self.go(0.1)
        self.assertEqual(len(self.probes.begun), 20)

    def test_first_round_is_spread(self) -> None:
        """That of many is spread over most of the time limit."""
        self.patch(health_service, "FIRST_RATE", 40)
        self.start(pool(400))
        self.clock.advance(1)
        self.assertAlmostEqual(len(self.probes.begun), 100, delta=10)
        self.clock.advance(3)
        self.assertEqual(len(self.probes.begun), 400)

    def test_one_at_a_time(self) -> None:
        """A target is not probed while it is being probed; late ones are skipped."""
        self.probes.answer = lambda target, check: None
        self.start(pool())
        self.go(31)
        self.assertEqual(len(self.probes.begun), 1)
        self.probes.open.pop("10.0.0.0").callback(PASSED)
        self.go(11)
        self.assertEqual(len(self.probes.begun), 2)

    def test_limit(self) -> None:
        """No more than the limit run at once, and lateness is told."""
        self.probes.answer = lambda target, check: None
        service = self.start(pool(5), limit=2)
        self.go(1)
        self.assertEqual((service.in_flight, service.waiting), (2, 3))
        self.go(2)
        _, first = self.probes.begun[0]
        self.probes.open.pop(first).callback(PASSED)
        self.assertEqual(len(self.probes.begun), 3)
        self.assertEqual((service.in_flight, service.waiting), (2, 2))
        self.assertGreater(service.lag.largest, 2.9)

    def test_processes_have_their_own_limit(self) -> None:
        """Commands that hang do not keep other checks from running."""
        self.probes.answer = lambda target, check: (
            None if isinstance(check, ExecCheck) else PASSED
        )
        service = self.start(
            pool(100, ExecCheck(command=("x",))), pool(10, name="other")
        )
        self.go(1)
        self.assertEqual(service.in_flight, MAX_LOCAL)
        self.assertEqual(service.passed, 10)

    def test_clock_leaps(self) -> None:
        """After a leap of the clock each target is probed once, then as before."""
        self.start(pool(10))
        self.go(20)
        self.probes.begun.clear()
        self.clock.advance(3600)
        self.assertEqual(len(self.probes.begun), 10)
        self.go(10.1)
        self.assertEqual(len(self.probes.begun), 20)


class SharingTests(ServiceCase):
    """One check for all who want it."""

    def test_pools_share(self) -> None:
        """Pools with the same address and check share the probe and get its result."""
        self.start(pool(3), pool(3, name="q"))
        self.go(5)
        self.assertEqual(len(self.probes.begun), 3)
        self.assertEqual(self.probes.made, [TCP])
        self.assertEqual(
            sorted(self.told()),
            [MemberVerdict(p, f"m{n}", True, "") for p in "pq" for n in range(3)],
        )

    def test_other_settings(self) -> None:
        """Other settings are another check."""
        self.start(pool(1), pool(1, TcpCheck(port=80, rise=1), name="q"))
        self.go(5)
        self.assertEqual(len(self.probes.begun), 2)

    def test_names(self) -> None:
        """A check that depends on the member's name is shared only with that name."""
        check = HttpCheck(url="http://{name}.example.org/")
        same = HttpCheck(url="http://{address}/")
        one = MemberSettings(name="one", addresses=("10.0.0.1",))
        two = MemberSettings(name="two", addresses=("10.0.0.1",))
        self.start(Pool("p", [one], (check, same)), Pool("q", [two], (check, same)))
        self.go(5)
        self.assertEqual(len(self.probes.begun), 3)

    def test_every_address(self) -> None:
        """Each address is probed; one that passes is enough, and the other is named."""
        self.probes.answer = lambda target, check: DOWN if target.is_v6 else PASSED
        both = MemberSettings(name="both", addresses=("10.0.0.1", "2001:db8::1"))
        service = self.start(Pool("p", [both]))
        self.go(5)
        reason = "tcp 2001:db8::1: dead"
        failing = (("2001:db8::1", reason),)
        self.assertEqual(
            self.told(), [MemberVerdict("p", "both", True, reason, failing)]
        )
        status = service.status("p", "both")
        self.assertEqual(
            [(one.address, one.up) for one in status],
            [("10.0.0.1", True), ("2001:db8::1", False)],
        )
        self.assertEqual(status[1].history[0].reason, "dead")

    def test_inner_pools(self) -> None:
        """A member without addresses is not checked."""
        self.start(Pool("p", [MemberSettings(name="inner", pool="q")]))
        self.go(5)
        self.assertEqual((self.probes.begun, self.told()), ([], []))


class VerdictTests(ServiceCase):
    """What is told."""

    def test_fall_and_rise(self) -> None:
        """Down after two failures, up after three successes, each told once."""
        self.start(pool())
        self.go(15)
        self.assertEqual(self.told(), [MemberVerdict("p", "m0", True, "")])
        self.probes.answer = lambda target, check: DOWN
        self.go(10)
        self.assertEqual(self.told(), [])
        self.go(10)
        self.assertEqual(
            self.told(), [MemberVerdict("p", "m0", False, "tcp 10.0.0.0: dead")]
        )
        self.probes.answer = lambda target, check: PASSED
        self.go(20)
        self.assertEqual(self.told(), [])
        self.go(10)
        self.assertEqual(self.told(), [MemberVerdict("p", "m0", True, "")])

    def test_new_reason(self) -> None:
        """Another reason of one that is down is told."""
        self.probes.answer = lambda target, check: DOWN
        self.start(pool())
        self.go(1)
        self.probes.answer = lambda target, check: Result(False, "status 500")
        self.go(20)
        self.assertEqual(
            [told.reason for told in self.told()],
            ["tcp 10.0.0.0: dead", "tcp 10.0.0.0: status 500"],
        )

    def test_gathered(self) -> None:
        """Verdicts that come close together are told together."""
        self.patch(health_service, "FIRST_RATE", 1)
        self.start(pool(300))
        self.go(4.5)
        self.assertEqual(len(self.told()), 300)
        self.assertLess(self.keeper.calls, 4 / SETTLING + 2)

    def test_all_checks(self) -> None:
        """Of several checks all must pass."""
        http = HttpCheck(url="http://{address}/")
        self.probes.answer = lambda target, check: DOWN if check == http else PASSED
        self.start(pool(1, TCP, http))
        self.go(5)
        self.assertEqual(
            self.told()[-1], MemberVerdict("p", "m0", False, "http 10.0.0.0: dead")
        )

    def test_broken_check(self) -> None:
        """A probe that raises or fails is a failed check, and goes on."""
        error = ValueError("oh")

        def raising(target: ProbeTarget, check: Check) -> Result:
            raise error

        self.probes.answer = raising
        self.start(pool())
        self.go(5)
        told = self.told()
        self.assertIs(told[0].healthy, False)
        self.assertIn("the check broke", told[0].reason)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.go(10)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_failing_deferred(self) -> None:
        """So is one whose Deferred fails."""
        self.patch(One, "probe", lambda *_: fail(ValueError("oh")))
        self.start(pool())
        self.go(5)
        self.assertIs(self.told()[0].healthy, False)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_broken_keeper(self) -> None:
        """If verdicts can't be taken the checks go on."""

        def refuse(changed: Sequence[MemberVerdict]) -> None:
            raise KeyError("p")

        self.patch(self.keeper, "verdicts", refuse)
        service = self.start(pool())
        self.go(15)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertEqual(service.passed, 2)


class ReconfigureTests(ServiceCase):
    """Other pools while the service runs."""

    def test_stays(self) -> None:
        """What stays keeps its state and its times."""
        service = self.start(pool(2))
        self.go(15)
        before = self.probes.times("10.0.0.0")
        self.told()
        service.reconfigure([pool(3)])
        self.go(10)
        times = self.probes.times("10.0.0.0")
        self.assertEqual(len(times), len(before) + 1)
        self.assertAlmostEqual(times[-1] - before[-1], 10, delta=0.06)
        self.assertEqual(self.told(), [MemberVerdict("p", "m2", True, "")])

    def test_gone(self) -> None:
        """What goes is ended, even in flight, and nothing more is told of it."""
        self.probes.answer = lambda target, check: None
        service = self.start(pool(2))
        self.go(1)
        service.reconfigure([pool(1)])
        self.assertEqual(self.probes.cancelled, ["10.0.0.1"])
        self.assertEqual(service.in_flight, 1)
        self.go(30)
        self.assertEqual(len(self.probes.begun), 2)
        self.assertEqual(self.told(), [])

    def test_no_check_any_more(self) -> None:
        """A member whose check goes is told to have none."""
        service = self.start(pool(1))
        self.go(5)
        self.told()
        service.reconfigure([Pool("p", members(1), ())])
        self.assertEqual(self.told(), [MemberVerdict("p", "m0", None, "")])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_new_pool_with_known_targets(self) -> None:
        """A new pool that shares a target knows its state at once."""
        service = self.start(pool(1))
        self.go(5)
        self.told()
        service.reconfigure([pool(1), pool(1, name="q")])
        self.assertEqual(self.told(), [MemberVerdict("q", "m0", True, "")])

    def test_probes_are_made_anew(self) -> None:
        """Probes are made again, for files that they have read may have changed."""
        service = self.start(pool(1))
        service.reconfigure([pool(1)])
        self.assertEqual(self.probes.made, [TCP, TCP])


class LifeTests(ServiceCase):
    """Beginning, ending, and what is kept in between."""

    def test_first_round(self) -> None:
        """It is over when something is known of every target, and told."""
        self.probes.answer = lambda target, check: None
        service = self.start(pool(2))
        over = service.first_round()
        self.go(1)
        self.probes.open["10.0.0.0"].callback(PASSED)
        self.assertNoResult(over)
        self.probes.open["10.0.0.1"].callback(DOWN)
        self.assertIs(self.successResultOf(over), None)
        self.assertEqual([told.healthy for told in self.told()], [True, False])
        self.assertIs(self.successResultOf(service.first_round()), None)

    def test_first_round_ends(self) -> None:
        """At the latest when the longest time limit is over."""
        self.probes.answer = lambda target, check: None
        slow = TcpCheck(port=1, interval=60, timeout=8)
        service = self.start(pool(1), pool(1, slow, name="q"))
        over = service.first_round()
        self.clock.advance(7.9)
        self.assertNoResult(over)
        self.clock.advance(0.4)
        self.assertIs(self.successResultOf(over), None)

    def test_who_hangs(self) -> None:
        """One that has not answered within its time is down when the round is over."""

        def late(target: ProbeTarget, check: Check) -> None:
            self.clock.callLater(8, end, target.address)

        def end(address: str) -> None:
            self.probes.open[address].callback(DOWN)

        self.probes.answer = late
        slow = TcpCheck(port=1, interval=60, timeout=8)
        over = self.start(pool(20, slow)).first_round()
        over.addCallback(lambda _: [told.healthy for told in self.told()])
        for _ in range(85):
            self.clock.advance(0.1)
        self.assertEqual(self.successResultOf(over), [False] * 20)

    def test_nothing_to_check(self) -> None:
        """Without checks there is nothing to wait for."""
        service = self.start(pool(0))
        self.assertIs(self.successResultOf(service.first_round()), None)

    def test_first_round_of_stopped(self) -> None:
        """Nobody waits for a service that was stopped."""
        self.probes.answer = lambda target, check: None
        service = self.start(pool(1))
        over = service.first_round()
        service.stopService()
        self.assertIs(self.successResultOf(over), None)

    def test_stop(self) -> None:
        """All that runs is cut off, all that is planned or waits is dropped."""
        self.probes.answer = lambda target, check: None
        service = self.start(pool(50), limit=10)
        self.go(1)
        service.stopService()
        self.assertEqual(len(self.probes.cancelled), 10)
        self.assertEqual((service.in_flight, service.waiting), (0, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_start_again(self) -> None:
        """A service that was stopped can go on."""
        service = self.start(pool(2))
        self.go(5)
        service.stopService()
        service.startService()
        self.go(5)
        self.assertEqual(len(self.probes.begun), 4)

    def test_restart(self) -> None:
        """A restart begins with the saved states, and waits for nothing."""
        self.probes.answer = lambda target, check: (
            DOWN if target.address == "10.0.0.1" else PASSED
        )
        first = self.start(pool(2))
        self.go(5)
        saved = msgspec.json.decode(
            msgspec.json.encode(first.saved()), type=list[SavedCheck]
        )
        first.stopService()
        self.told()
        second = self.make(pool(2))
        second.restore(saved)
        second.startService()
        self.addCleanup(self.end, second)
        self.assertEqual(
            self.told(),
            [
                MemberVerdict("p", "m0", True, ""),
                MemberVerdict("p", "m1", False, "tcp 10.0.0.1: dead"),
            ],
        )
        self.assertIs(self.successResultOf(second.first_round()), None)
        self.probes.answer = lambda target, check: PASSED
        self.go(1)
        self.assertEqual(self.told(), [MemberVerdict("p", "m1", True, "")])

    def test_restore_of_others(self) -> None:
        """Saved states of other checks have no effect."""
        service = self.make(pool(1))
        service.restore([SavedCheck("10.0.0.0", "00", "", False, 1.0, "x")])
        self.assertEqual(service.saved(), [])

    def test_restored_unknown_waits(self) -> None:
        """The first round waits only for targets of which nothing is known."""
        self.probes.answer = lambda target, check: None
        first = self.start(pool(1))
        self.go(1)
        self.probes.open["10.0.0.0"].callback(PASSED)
        saved = first.saved()
        first.stopService()
        second = self.make(pool(2))
        second.restore(saved)
        second.startService()
        self.addCleanup(self.end, second)
        over = second.first_round()
        self.go(1)
        self.assertNoResult(over)
        self.probes.open["10.0.0.1"].callback(PASSED)
        self.assertIs(self.successResultOf(over), None)


class MakeProbeTests(SynchronousTestCase):
    """From settings to probes."""

    def test_broken(self) -> None:
        """A check that can't be made fails with the reason."""
        check = HttpsCheck(url="https://{address}/", ca="/no/such/file.pem")
        probe = make_probe(cast(HealthReactor, Clock()), check, random.Random(1))
        result = self.successResultOf(probe.probe(ProbeTarget("192.0.2.1", "x")))
        self.assertIn("the check can't be made", result.reason)
        self.assertIn("/no/such/file.pem", result.reason)
