"""Tests of `dinamed.pools.leases`."""

from dataclasses import dataclass
from math import exp

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.accounts import MemberAccount
from dinamed.pools.leases import Leases

EVENTS = st.lists(
    st.tuples(
        st.floats(0, 40),  # seconds since the last one
        st.floats(1e-3, 10),  # rate
        st.floats(1, 900),  # TTL
        st.integers(0, 2),  # member
    ),
    max_size=40,
)


@dataclass
class Lease:
    """One lease, as it is."""

    member: int
    rate: float
    end: float


class LeasesTests(SynchronousTestCase):
    """Sums by member against the leases one by one."""

    @profile(max_examples=150, deadline=None)
    @given(EVENTS, st.sampled_from([5.0, 60.0, 94.868, 400.0]))
    def test_against_brute_force(
        self, events: list[tuple[float, float, float, int]], horizon: float
    ) -> None:
        """Due clients differ by the rounding of ends at most."""
        leases = Leases(horizon)
        accounts = [MemberAccount(str(number)) for number in range(3)]
        booked: list[Lease] = []
        time = 0.0
        for pause, rate, ttl, member in events:
            time += pause
            leases.advance(time)
            leases.add(accounts[member], rate, time, min(ttl, 20 * horizon))
            booked.append(Lease(member, rate, time + min(ttl, 20 * horizon)))
            for number, account in enumerate(accounts):
                mine = [one for one in booked if one.member == number]
                exact = sum(
                    one.rate * max(0.0, min(one.end - time, horizon)) for one in mine
                )
                rates = sum(one.rate for one in mine if one.end > time - leases.tick)
                wrong = abs(leases.due(account, time) - exact)
                self.assertLessEqual(wrong, 2 * leases.tick * rates + 1e-6)
        leases.advance(time + 1e6)
        for account in accounts:
            left = (account.live, account.rate, account.due, account.far)
            self.assertEqual(left, (0, 0.0, 0.0, 0.0))

    @profile(max_examples=60, deadline=None)
    @given(EVENTS, st.sampled_from([5.0, 60.0]), st.sampled_from([0.5, 30.0, 4000.0]))
    def test_the_mean_of_what_comes(
        self,
        events: list[tuple[float, float, float, int]],
        horizon: float,
        duration: float,
    ) -> None:
        """It is that of every lease alone, but for the rounding of ends."""
        leases = Leases(horizon, duration)
        account = MemberAccount("a")
        booked: list[Lease] = []
        time = 0.0
        for pause, rate, ttl, _ in events:
            time += pause
            leases.advance(time)
            leases.add(account, rate, time, ttl)
            booked.append(Lease(0, rate, time + min(ttl, 20 * horizon)))
            exact = sum(one.rate * leases.worth(one.end - time) for one in booked)
            rates = sum(one.rate for one in booked if one.end > time - leases.tick)
            wrong = abs(leases.coming(account, time) - exact)
            self.assertLessEqual(wrong, 3 * leases.tick * rates + 1e-6)

    def test_worth(self) -> None:
        """The mean of those there, over the horizon, by steps of a hundredth."""
        leases = Leases(60.0, 40.0)
        total = 0.0
        for step in range(6000):
            then = (step + 0.5) / 100
            came = min(then, 25.0)
            total += 40.0 * (exp(-(then - came) / 40.0) - exp(-then / 40.0)) / 6000
        self.assertAlmostEqual(leases.worth(25.0), total, places=3)
        self.assertAlmostEqual(leases.stay(), 40 * (1 - exp(-1.5)) / 60)

    def test_for_a_long_time(self) -> None:
        """What is foreseen is right after days too."""
        leases = Leases(60.0, 5.0)
        account = MemberAccount("a")
        for day in (0.0, 1.0, 1.0001, 40.0):
            leases.advance(day * 86400)
            leases.add(account, 3.0, day * 86400, 30.0)
            leases.add(account, 2.0, day * 86400, 30.0)
        expected = 5 * leases.worth(30.0)
        found = leases.coming(account, 40.0 * 86400)
        self.assertAlmostEqual(found, expected, places=6)

    def test_within_half_a_tick(self) -> None:
        """A lease as long as the horizon is right to half a second."""
        leases = Leases(60.0)
        account = MemberAccount("a")
        leases.add(account, 2.0, 0.3, 60.0)
        for time in (0.3, 10.0, 59.0):
            leases.advance(time)
            exact = 2.0 * (60.3 - time)
            self.assertLessEqual(abs(leases.due(account, time) - exact), 1.0)
        leases.advance(61.0)
        self.assertEqual(leases.due(account, 61.0), 0.0)

    def test_beyond_the_horizon(self) -> None:
        """A long lease brings the same until its end comes near."""
        leases = Leases(60.0)
        account = MemberAccount("a")
        leases.add(account, 1.0, 0.0, 600.0)
        for time, exact in ((0.0, 60), (300.0, 60), (540.0, 60), (570.0, 30), (600, 0)):
            leases.advance(time)
            self.assertAlmostEqual(leases.due(account, time), exact)

    def test_arrivals(self) -> None:
        """What has come by leases is the rate times the time they lasted."""
        leases = Leases(60.0)
        account = MemberAccount("a")
        leases.add(account, 2.0, 0.0, 30.0)
        leases.add(account, 1.0, 10.0, 300.0)
        self.assertAlmostEqual(leases.reported(account, 100.0).number, 60.0 + 90.0)
        self.assertAlmostEqual(leases.reported(account, 110.0).number, 10.0)

    def test_size(self) -> None:
        """The memory goes by members and ticks, not by the number of leases."""
        leases = Leases(60.0)
        account = MemberAccount("a")
        for number in range(20_000):
            leases.add(account, 1.0, number / 1000, 60.0)
        self.assertEqual(account.live, 20_000)
        self.assertLessEqual(leases.buckets, 25)

    def test_for_ever(self) -> None:
        """A lease of years takes no more buckets than one of twenty horizons."""
        leases = Leases(60.0)
        account = MemberAccount("a")
        leases.add(account, 1.0, 0.0, 2.0**31)
        leases.advance(20 * 60.0)
        self.assertEqual(account.live, 0)

    def test_another_horizon(self) -> None:
        """It begins anew."""
        leases = Leases(60.0)
        account = MemberAccount("a")
        leases.add(account, 1.0, 0.0, 60.0)
        leases.look_ahead(30.0)
        self.assertEqual(leases.due(account, 0.0), 0.0)
        leases.advance(1000.0)
        self.assertEqual(account.live, 0)
