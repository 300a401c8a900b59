"""Tests of the rules of a fleet: voting, dividing, orders, peers."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.fleet.division import ServerRoster, askers, vantage_points
from dinamed.fleet.orders import FleetOrders, key_of, member_of
from dinamed.fleet.peers import Peers
from dinamed.fleet.records import LiveRecord, SharedOrder
from dinamed.fleet.voting import Cast, VotingRule, isolated, joint
from dinamed.pools.states import Order

SERVERS = [f"ns{n}" for n in range(8)]


def cast(server: str, up: bool, age: float = 0.0, region: str = "eu") -> Cast:
    """A vote."""
    return Cast(server, region, up, age, "" if up else "timeout")


class VotingTests(SynchronousTestCase):
    """What comes of votes."""

    def test_quorum_exactly_met(self) -> None:
        """Half is enough for a quorum of 0.5, less is not."""
        own, rule = cast("ns1", True), VotingRule()
        votes = [cast("ns2", False)]
        self.assertFalse(joint(own, votes, rule, 30.0).healthy)
        votes.append(cast("ns3", True))
        self.assertTrue(joint(own, votes, rule, 30.0).healthy)
        self.assertFalse(joint(own, votes, VotingRule(quorum=0.3), 30.0).healthy)

    def test_half_of_the_votes_stale(self) -> None:
        """Those do not count; too few fresh ones leave one's own."""
        own, rule = cast("ns1", True), VotingRule()
        votes = [cast("ns2", False, 31.0), cast("ns3", False, 31.0)]
        self.assertEqual(joint(own, votes, rule, 30.0), (True, ""))
        votes.append(cast("ns4", False, 29.0))
        self.assertFalse(joint(own, votes, rule, 30.0).healthy)

    def test_by_region(self) -> None:
        """One's own region's votes, where there are two."""
        own, rule = cast("ns1", True), VotingRule(by_region=True)
        votes = [cast(f"us{n}", False, region="us") for n in range(3)]
        self.assertFalse(joint(own, votes, rule, 30.0).healthy)
        votes.append(cast("ns2", True))
        self.assertTrue(joint(own, votes, rule, 30.0).healthy)

    def test_without_any(self) -> None:
        """Nothing is known."""
        self.assertEqual(joint(None, [], VotingRule(), 30.0), (None, ""))
        self.assertFalse(joint(None, [cast("ns2", False)], VotingRule(), 9.0).healthy)

    def test_words(self) -> None:
        """Who said what, and who did not."""
        votes = [cast(f"ns{n}", False) for n in range(2, 7)] + [cast("ns7", True)]
        told = joint(cast("ns1", True), votes, VotingRule(), 30.0).reason
        self.assertTrue(told.startswith("5 of 7 vantage points: ns2 eu: timeout;"))
        self.assertTrue(told.endswith("and 2 more; up: ns1 eu, ns7 eu"))

    def test_isolated(self) -> None:
        """Who sees most down that others see up."""
        self.assertTrue(isolated([False, False, True], 2))
        self.assertFalse(isolated([False, False, True], 0))
        self.assertFalse(isolated([False, True, True], 1))
        self.assertFalse(isolated([False], 1))


class DivisionTests(SynchronousTestCase):
    """Who asks whom."""

    @given(st.text(min_size=1, max_size=20), st.integers(1, 8))
    def test_a_server_that_goes(self, subject: str, count: int) -> None:
        """Only its own work moves."""
        before = askers(SERVERS, subject, count)
        for gone in SERVERS:
            left = [server for server in SERVERS if server != gone]
            after = askers(left, subject, count)
            self.assertLessEqual(set(before) - {gone}, set(after))

    def test_even(self) -> None:
        """Each has about as much to do."""
        done = dict.fromkeys(SERVERS, 0)
        for number in range(2000):
            for server in askers(SERVERS, f"p/m{number}", 2):
                done[server] += 1
        self.assertLess(max(done.values()) - min(done.values()), 130)

    def test_regions_first(self) -> None:
        """One of each region, then the others."""
        regions = {f"eu{n}": "eu" for n in range(5)} | {"us1": "us", "ap1": "ap"}
        for number in range(50):
            found = vantage_points(regions, f"p/m{number}", 4)
            self.assertEqual(len(found), 4)
            self.assertEqual({regions[one] for one in found}, {"eu", "us", "ap"})

    def test_flapping(self) -> None:
        """A server that comes back soon moves nothing, and half at once neither."""
        roster = ServerRoster("ns0", 30.0)
        live = dict.fromkeys(SERVERS, "")
        self.assertTrue(roster.update(live, 0.0))
        fewer = {name: "" for name in SERVERS if name != "ns3"}
        self.assertFalse(roster.update(fewer, 10.0))
        self.assertFalse(roster.update(live, 20.0))
        self.assertFalse(roster.update(fewer, 45.0))
        self.assertTrue(roster.update(fewer, 76.0))
        self.assertNotIn("ns3", roster.servers)
        two = {"ns0": "", "ns1": ""}
        roster.update(two, 100.0)
        self.assertFalse(roster.update(two, 200.0))


class OrderTests(SynchronousTestCase):
    """Keys and revisions."""

    @given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
    def test_keys(self, pool: str, name: str) -> None:
        """Every name has a key of its own."""
        self.assertEqual(
            member_of("orders", key_of("orders", (pool, name))), (pool, name)
        )

    def test_older_news(self) -> None:
        """They change nothing."""
        orders, member = FleetOrders(), ("p", "a")
        self.assertTrue(orders.hear(member, SharedOrder(order=Order.DRAIN), 7))
        self.assertFalse(orders.hear(member, SharedOrder(order=Order.DOWN), 6))
        self.assertEqual(orders.revision(member), 7)
        self.assertTrue(orders.hear(member, None, 8))
        self.assertEqual(orders.revision(member), 0)


class PeerTests(SynchronousTestCase):
    """Other servers and their clocks."""

    def test_offset(self) -> None:
        """It is that of the value that came the fastest."""
        peers = Peers()
        for second, way in enumerate((0.3, 0.1, 0.8)):
            said = LiveRecord(now=1000.0 + second + 50.0, boot=1)
            peers.hear("ns2", said, float(second), 1000.0 + second + way)
        peer = peers.get("ns2")
        assert peer is not None
        self.assertAlmostEqual(peer.clock_offset, 49.9)
        self.assertAlmostEqual(peer.lag, 0.7)
        self.assertAlmostEqual(peer.age(1052.0, 1002.8), 0.7)

    def test_not_heard_of(self) -> None:
        """It is not live after three intervals, and forgotten after a day."""
        peers = Peers()
        self.assertTrue(peers.hear("ns2", LiveRecord(boot=1, interval=5.0), 0.0, 0.0))
        self.assertFalse(peers.hear("ns2", LiveRecord(boot=1), 1.0, 1.0))
        self.assertEqual(peers.live(16.0), ["ns2"])
        self.assertEqual(peers.live(18.0), [])
        peers.expire(90000.0)
        self.assertNotIn("ns2", peers)
