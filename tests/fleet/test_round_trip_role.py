"""Tests of `dinamed.fleet.round_trip_role`, on a clock."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.fleet.records import Codec, SharedRoundTrips
from dinamed.geo.place import Place
from dinamed.steering.recent import with_sample
from dinamed.steering.recent_round_trips import MOST_RECENT, RECENTLY, RecentRoundTrips
from tests.fleet.support import Keeper, Member, run

HERE = bytes((192, 0, 2))
THERE = bytes((32, 1, 13, 184, 0, 1))
KEY = "p", "a"
TIMES = st.lists(st.integers(0, 6000), max_size=20)


class RoundTripCase(SynchronousTestCase):
    """Servers that are told of round trips."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.keeper = Keeper(self.clock)

    def join(self, name: str, **settings: object) -> Member:
        """One server more."""
        member = Member(self.keeper, name, **settings)  # type: ignore[arg-type]
        member.start()
        self.addCleanup(lambda: member.fleet.running and member.fleet.stopService())
        return member

    def tell(self, member: Member, ms: float, network: bytes = HERE) -> None:
        """Tell one server of a round trip, as its API does."""
        table = member.manager.round_trips
        table.add(KEY, network, ms, 1, member.wall(), Place())

    def known(self, member: Member, network: bytes = HERE) -> float | None:
        """The round trip in ms that a server knows of."""
        table = member.manager.round_trips
        found = table.measured(KEY, network, member.wall())
        return None if found is None else found.ms

    def told(self, member: Member) -> SharedRoundTrips:
        """What a server tells the others."""
        key = f"by/{member.settings.server}/round_trips/0"
        return Codec(SharedRoundTrips).read(self.keeper.values[key][0])

    def test_all_know(self) -> None:
        """Of IPv4 and IPv6, with the receiver's own place, and one sample each."""
        one, two = self.join("ns1"), self.join("ns2", offset=3600.0)
        run(self.clock, 12)
        self.tell(one, 20.0)
        self.tell(one, 80.0, THERE)
        run(self.clock, 30)
        for network, ms in ((HERE, 20.0), (THERE, 80.0)):
            known = self.known(two, network)
            assert known is not None
            self.assertLess(abs(known - ms) / ms, 0.025)
        table = two.manager.round_trips
        self.assertEqual(table.samples, 2)
        area = table.of_area(KEY, Place(country="DE"), two.wall())
        self.assertIsNotNone(area)

    def test_nobody_tells_it_on(self) -> None:
        """Only whoever was told first."""
        servers = [self.join(f"ns{n}") for n in range(1, 4)]
        run(self.clock, 12)
        self.tell(servers[0], 20.0)
        run(self.clock, 30)
        self.assertEqual(
            [bool(self.told(one).pools) for one in servers], [True, False, False]
        )
        self.assertEqual([one.manager.round_trips.samples for one in servers], [1] * 3)

    def test_newer_ones(self) -> None:
        """Each that is new counts once more."""
        one, two = self.join("ns1"), self.join("ns2")
        run(self.clock, 12)
        for ms in (20.0, 40.0, 40.0):
            self.tell(one, ms)
            run(self.clock, 12)
        self.assertEqual(two.manager.round_trips.samples, 3)
        known = self.known(two)
        assert known is not None
        self.assertGreater(known, 20.0)

    def test_a_server_that_comes_later(self) -> None:
        """It hears of the last minutes; what is older is told no more."""
        one = self.join("ns1")
        run(self.clock, 6)
        self.tell(one, 20.0)
        run(self.clock, 60)
        two = self.join("ns2")
        run(self.clock, 12)
        self.assertIsNotNone(self.known(two))
        self.clock.advance(RECENTLY)
        run(self.clock, 12)
        self.assertEqual(self.told(one).pools, {})
        three = self.join("ns3")
        run(self.clock, 12)
        self.assertIsNone(self.known(three))

    def test_cut_off(self) -> None:
        """What is known stays, and what was measured meanwhile comes later."""
        one, two = self.join("ns1"), self.join("ns2")
        run(self.clock, 12)
        one.store.reachable = False
        self.tell(one, 20.0)
        run(self.clock, 30)
        self.assertIsNone(self.known(two))
        one.store.heal()
        run(self.clock, 12)
        self.assertIsNotNone(self.known(two))

    def test_other_pools_and_no_networks(self) -> None:
        """What is not here is passed over, and what is no network told of."""
        one, two = self.join("ns1"), self.join("ns2")
        run(self.clock, 12)
        cell = with_sample(b"", 20.0, 1, one.wall(), 4)
        pools = {"q": {"a": {HERE: cell}}, "p": {"x": {HERE: cell}}}
        pack = Codec(SharedRoundTrips).pack
        self.keeper.put("by/ns1/round_trips/0", pack(SharedRoundTrips(pools=pools)))
        run(self.clock, 0.5)
        self.assertEqual(two.manager.round_trips.samples, 0)
        for network, bad in ((b"", cell), (HERE, b"1234")):
            wrong = SharedRoundTrips(pools={"p": {"a": {network: bad}}})
            self.keeper.put("by/ns1/round_trips/0", pack(wrong))
            run(self.clock, 0.5)
        self.assertEqual(two.fleet.status().counters["bad_values"], 2)
        self.assertEqual(two.manager.round_trips.samples, 0)

    def test_more_than_a_server_tells(self) -> None:
        """No more is taken."""
        one, two = self.join("ns1"), self.join("ns2")
        run(self.clock, 12)
        cell = with_sample(b"", 20.0, 1, one.wall(), 4)
        cells = {n.to_bytes(3): cell for n in range(MOST_RECENT + 5)}
        value = SharedRoundTrips(pools={"p": {"a": cells}})
        self.keeper.put("by/ns1/round_trips/0", Codec(SharedRoundTrips).pack(value))
        run(self.clock, 4)
        self.assertEqual(two.manager.round_trips.samples, MOST_RECENT)
        self.assertEqual(two.fleet.status().counters["bad_values"], 1)

    def test_not_shared(self) -> None:
        """They go along with reports."""
        one = self.join("ns1", share=("orders",))
        two = self.join("ns2")
        run(self.clock, 12)
        self.tell(one, 20.0)
        run(self.clock, 12)
        self.assertIsNone(self.known(two))


class RecentRoundTripsTests(SynchronousTestCase):
    """What is remembered of one's own."""

    def test_bounded(self) -> None:
        """Those that were silent the longest make room."""
        recent = RecentRoundTrips()
        for number in range(MOST_RECENT + 3):
            recent.add(number.to_bytes(3), KEY, 20.0, 1, 1000.0)
        self.assertEqual(len(recent), MOST_RECENT)
        networks = {network for (network, _), _ in recent.fresh(1000.0)}
        self.assertNotIn((2).to_bytes(3), networks)
        self.assertIn((3).to_bytes(3), networks)

    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(TIMES, st.integers(0, 6000))
    def test_fades(self, times: list[int], now: int) -> None:
        """Nothing is left whose newest sample is too old."""
        recent = RecentRoundTrips()
        for number, at in enumerate(times):
            recent.add(bytes((0, 0, number)), KEY, 20.0, 1, at)
        left = {network[2] for (network, _), _ in recent.fresh(now)}
        fresh = {n for n, at in enumerate(times) if now - at <= RECENTLY}
        self.assertEqual(left, fresh)
        self.assertEqual(len(recent), len(fresh))
