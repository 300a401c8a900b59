"""Tests of `dinamed.fleet.service` and `dinamed.server.fleet`, on a clock."""

import msgspec
from msgspec.structs import replace
from twisted.internet.task import Clock
from twisted.logger import formatEvent
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import Settings
from dinamed.fleet.cookie_rotation import GOOD, KEPT, SPREAD
from dinamed.fleet.order_role import OverruledError
from dinamed.fleet.records import Codec, CookieSecrets, SharedOrder
from dinamed.fleet.status import OrderOutcome
from dinamed.health.service import MemberVerdict
from dinamed.pools.states import Order, State
from tests.fleet.support import Keeper, Member, run
from tests.pools.support import host, loaded, pool
from tests.server.support import captured


class FleetCase(SynchronousTestCase):
    """Some servers of a fleet."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.keeper = Keeper(self.clock)
        self.members: list[Member] = []

    def join(self, name: str, **settings: object) -> Member:
        """One server more."""
        member = Member(self.keeper, name, **settings)  # type: ignore[arg-type]
        self.members.append(member.start())
        self.addCleanup(self.leave, member)
        return member

    def leave(self, member: Member) -> None:
        """One server less."""
        if member.fleet.running:
            member.fleet.stopService()

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        run(self.clock, seconds)

    def order(self, member: Member, order: Order, **said: object) -> OrderOutcome:
        """Order a state of p/a at one server, as its API does."""
        shared = SharedOrder(now=member.wall(), order=order, **said)  # type: ignore[arg-type]
        member.manager.order(
            "p", "a", order, now=member.wall(), until=shared.until, by=shared.by
        )
        outcome: OrderOutcome = self.successResultOf(
            member.fleet.order("p", "a", shared)
        )
        return outcome

    def state(self, member: Member, name: str = "a") -> State:
        """The state of a member at one server."""
        view = member.manager.view("p")
        return view.state(next(one for one in view.members if one.name == name))


class ModeTests(FleetCase):
    """Together and alone."""

    def test_one_server(self) -> None:
        """Its own echo makes it together."""
        one = self.join("ns1")
        self.assertEqual(one.fleet.status().mode, "alone")
        self.run_for(1)
        status = one.fleet.status()
        self.assertEqual(status.mode, "together")
        self.assertEqual([s.server for s in status.servers], ["ns1"])
        self.assertTrue(status.servers[0].self)

    def test_without_a_fleet(self) -> None:
        """It is alone, and says why."""
        one = Member(self.keeper, "ns1")
        without = Settings(
            path="dinamed.toml",
            fleet=replace(one.settings, engine=None),
            pools=tuple(one.pools),
        )
        one.fleet.reconfigure(without)
        one.start()
        self.addCleanup(self.leave, one)
        status = one.fleet.status()
        self.assertEqual((status.mode, status.why), ("alone", "no [fleet]"))
        self.assertEqual(len(status.servers), 1)

    def test_cut_off_and_back(self) -> None:
        """After three intervals it is alone; then together at the first echo."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        self.assertEqual(len(one.fleet.status().servers), 2)
        one.store.reachable = False
        self.run_for(14)
        self.assertEqual(one.fleet.status().mode, "together")
        self.run_for(7)
        status = one.fleet.status()
        self.assertEqual((status.mode, status.why), ("alone", "cut off"))
        self.assertFalse(status.servers[1].live)
        self.assertEqual(two.fleet.status().mode, "together")
        one.store.heal()
        self.run_for(6)
        self.assertEqual(one.fleet.status().mode, "together")
        self.assertTrue(one.fleet.status().servers[1].live)

    def test_no_store_at_the_start(self) -> None:
        """It is alone until there is one."""
        self.keeper.reachable = False
        one = self.join("ns1")
        self.run_for(60)
        self.assertEqual(one.fleet.status().mode, "alone")
        self.keeper.reachable = True
        one.store.heal()
        self.run_for(1)
        self.assertEqual(one.fleet.status().mode, "together")

    def test_clocks_apart(self) -> None:
        """An hour of difference is measured, and harms nothing."""
        one, two = self.join("ns1"), self.join("ns2", offset=3600.0)
        self.run_for(12)
        other = one.fleet.status().servers[1]
        self.assertLess(abs(other.clock_offset - 3600.0), 0.1)
        self.assertTrue(two.fleet.status().servers[1].live)
        self.assertTrue(other.live)

    def test_two_of_one_name(self) -> None:
        """The one that came later does not publish."""
        one = self.join("ns1")
        self.run_for(12)
        two = self.join("ns1")
        self.run_for(12)
        self.assertEqual(one.fleet.status().mode, "together")
        self.assertIn("another server is named ns1", two.fleet.status().why)
        self.leave(one)
        self.run_for(40)
        self.assertEqual(two.fleet.status().mode, "together")

    def test_values_that_cannot_be_used(self) -> None:
        """They are passed over, and told once."""
        one = self.join("ns1")
        for key in ("by/ns2/live", "by/ns3/handouts/0", "orders/p/a", "by/", "x"):
            self.keeper.put(key, b"\xff\x00nonsense")
        two = self.join("ns2")
        self.run_for(12)
        self.keeper.put("by/ns2/votes/0", b"\xc1")
        self.run_for(6)
        self.assertEqual(one.fleet.status().mode, "together")
        self.assertEqual(two.fleet.status().mode, "together")
        self.assertLess(len(self.flushWarnings()), 1)

    def test_other_pools(self) -> None:
        """It is seen where configs differ, and what is not here is passed over."""
        one = self.join("ns1")
        self.join("ns2", pools=[pool("p", host("a"), host("c")), pool("q", host("x"))])
        self.run_for(12)
        self.assertEqual(one.fleet.status().servers[1].pools_differ, ("p",))

    def test_leaving(self) -> None:
        """One's own values go at once, but not when a successor goes on with them."""
        one = self.join("ns1")
        self.run_for(6)
        self.leave(one)
        self.assertNotIn("by/ns1/live", self.keeper.values)
        two = self.join("ns2")
        self.run_for(6)
        two.fleet.give_up()
        self.assertIn("by/ns2/live", self.keeper.values)


class OrderTests(FleetCase):
    """Orders to all."""

    def test_an_order(self) -> None:
        """It is followed everywhere, with author and reason, and who has seen it."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        outcome = self.order(one, Order.DRAIN, by="ann", reason="disk")
        self.assertEqual((outcome.seen, outcome.servers), (1, 2))
        self.run_for(1)
        self.assertEqual(self.state(two), State.DRAIN)
        member = two.manager.view("p").member_states["a"]
        self.assertEqual((member.by, member.order_reason), ("ann", "disk"))
        seen = [server.seen for server in one.fleet.status().servers]
        assert outcome.revision is not None
        self.assertGreaterEqual(min(seen), outcome.revision)
        self.order(two, Order.AUTO)
        self.run_for(1)
        self.assertEqual(self.state(one), State.UP)
        self.assertNotIn("orders/p/a", self.keeper.values)

    def test_a_server_that_comes_later(self) -> None:
        """It follows what was ordered before."""
        one = self.join("ns1")
        self.run_for(6)
        self.order(one, Order.DOWN)
        two = self.join("ns2")
        self.assertEqual(self.state(two), State.DOWN)

    def test_given_while_alone(self) -> None:
        """It holds here at once, and everywhere when the store is back."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        one.store.reachable = False
        self.run_for(20)
        outcome = self.order(one, Order.DRAIN)
        self.assertIsNone(outcome.revision)
        self.assertEqual(self.state(one), State.DRAIN)
        self.assertEqual(one.fleet.status().waiting, 1)
        one.store.heal()
        self.run_for(12)
        self.assertEqual(self.state(two), State.DRAIN)
        self.assertEqual(one.fleet.status().waiting, 0)

    def test_given_while_alone_and_overruled(self) -> None:
        """What was ordered in the store meanwhile holds, and that is told."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        one.store.reachable = False
        self.run_for(20)
        self.order(one, Order.DRAIN)
        self.order(two, Order.DOWN, by="bob")
        one.store.heal()
        self.run_for(12)
        self.assertEqual(self.state(one), State.DOWN)
        self.assertEqual(self.state(two), State.DOWN)
        ((_, text),) = one.fleet.status().conflicts
        self.assertEqual(text, "p/a: changed meanwhile to down by bob")

    def test_raced(self) -> None:
        """Of two at once one holds, and the other's author is told."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        self.order(one, Order.DRAIN, by="ann")
        order = SharedOrder(now=two.wall(), order=Order.DOWN)
        failure = self.failureResultOf(two.fleet.order("p", "a", order), OverruledError)
        self.assertIn("ann", str(failure.value))
        self.run_for(1)
        self.assertEqual(self.state(two), State.DRAIN)

    def test_an_end(self) -> None:
        """It lapses everywhere, also alone, and leaves nothing behind."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        self.order(one, Order.DRAIN, until=one.wall() + 30)
        self.run_for(1)
        two.store.reachable = False
        self.run_for(32)
        for member in (one, two):
            member.manager.expire(member.wall())
            self.assertEqual(self.state(member), State.UP)
        self.run_for(6)
        self.assertNotIn("orders/p/a", self.keeper.values)

    def test_a_store_that_was_emptied(self) -> None:
        """Orders stay until somebody says otherwise."""
        one = self.join("ns1")
        self.run_for(6)
        self.order(one, Order.DRAIN)
        self.keeper.wipe()
        one.store.heal()
        self.run_for(12)
        self.assertEqual(self.state(one), State.DRAIN)
        self.assertEqual(one.fleet.status().mode, "together")


class VoteTests(FleetCase):
    """Verdicts of several."""

    def see(self, member: Member, up: bool, name: str = "a") -> None:
        """Have a server's own checks say something."""
        reason = "" if up else "connection refused"
        member.fleet.verdicts([MemberVerdict("p", name, up, reason)])

    def test_a_quorum(self) -> None:
        """Down when half say so, with the words of those who do."""
        servers = [self.join(f"ns{n}", region="eu") for n in range(1, 5)]
        for one in servers:
            self.see(one, True)
        self.run_for(12)
        self.see(servers[0], False)
        self.run_for(1)
        self.assertEqual({self.state(one) for one in servers}, {State.UP})
        self.see(servers[1], False)
        self.run_for(1)
        self.assertEqual({self.state(one) for one in servers}, {State.DOWN})
        reason = servers[3].manager.view("p").member_states["a"].reason
        self.assertIn("2 of 4 vantage points", reason)
        self.assertIn("ns1 eu: connection refused", reason)

    def test_alone(self) -> None:
        """After three intervals of the check only one's own vote counts."""
        one, two = self.join("ns1"), self.join("ns2")
        three = self.join("ns3")
        for member in (one, two, three):
            self.see(member, True)
        self.run_for(12)
        one.store.reachable = False
        self.see(one, False)
        self.assertEqual(self.state(one), State.UP)
        self.run_for(60)
        self.assertEqual(self.state(one), State.DOWN)
        self.assertEqual(self.state(two), State.UP)

    def test_who_sees_everything_down(self) -> None:
        """It doubts itself, and abstains."""
        servers = [self.join(f"ns{n}") for n in range(1, 3)]
        for one in servers:
            self.see(one, True)
            self.see(one, True, "b")
        self.run_for(12)
        self.see(servers[0], False)
        self.see(servers[0], False, "b")
        self.run_for(2)
        self.assertTrue(servers[0].fleet.status().isolated)
        for one in servers:
            self.assertEqual(self.state(one), State.UP)
            self.assertEqual(self.state(one, "b"), State.UP)

    def test_all_leases_lost_at_once(self) -> None:
        """Nothing is known to be gone: no verdict changes, and no work moves."""
        servers = [self.join(f"ns{n}") for n in range(1, 4)]
        for one in servers:
            self.see(one, False)
        self.run_for(12)
        for key in list(self.keeper.values):
            self.keeper.put(key, None)
        self.run_for(2)
        self.assertEqual({self.state(one) for one in servers}, {State.DOWN})
        self.assertEqual(len(servers[0].fleet.status().servers), 3)


class ReportTests(FleetCase):
    """Reports of load to all."""

    def test_a_report(self) -> None:
        """What one server was told the others know, with its age."""
        one, two = self.join("ns1"), self.join("ns2", offset=3600.0)
        self.run_for(12)
        now = one.wall()
        one.fleet.report("p", "a", loaded(3.0, now), now=now)
        self.run_for(6)
        posted = two.manager.view("p").reports.posted["a"]
        assert posted.report is not None
        self.assertEqual(posted.report.load, 3.0)
        self.assertTrue(posted.report.source.startswith("ns1: "))
        self.assertLess(abs(posted.report.at - now - 3600.0), 0.2)

    def test_once(self) -> None:
        """The same is neither put again nor taken again."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        now = one.wall()
        one.fleet.report("p", "a", loaded(3.0, now), now=now)
        self.run_for(6)
        edition = two.manager.view("p").reports.edition
        first = self.keeper.values["by/ns1/reports/0"]
        self.run_for(20)
        self.assertEqual(two.manager.view("p").reports.edition, edition)
        self.assertEqual(self.keeper.values["by/ns1/reports/0"], first)


class HandOutTests(FleetCase):
    """Hand-outs of the others."""

    def hand_out(self, member: Member, count: int) -> None:
        """Hand out p/a so many times."""
        member.manager.view("p").accounting.add("a", count, member.wall())

    def test_counts(self) -> None:
        """Each knows what the others have handed out, and nobody tells it on."""
        servers = [self.join(f"ns{n}") for n in range(1, 4)]
        self.run_for(12)
        for number, one in enumerate(servers, 1):
            self.hand_out(one, number)
        self.run_for(30)
        for number, one in enumerate(servers, 1):
            account = one.manager.view("p").accounting.account("a")
            self.assertEqual((account.total, account.foreign), (number, 6 - number))

    def test_a_peer_without_questions(self) -> None:
        """It changes nothing."""
        one = self.join("ns1")
        self.join("ns2")
        self.run_for(12)
        self.hand_out(one, 7)
        self.run_for(60)
        account = one.manager.view("p").accounting.account("a")
        self.assertEqual((account.total, account.foreign), (7, 0))

    def test_a_new_start(self) -> None:
        """What a server handed out before it started anew is not counted again."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        self.hand_out(two, 7)
        self.run_for(12)
        self.leave(two)
        again = self.join("ns2")
        self.hand_out(again, 2)
        self.run_for(30)
        account = one.manager.view("p").accounting.account("a")
        self.assertEqual(account.foreign, 7)
        self.hand_out(again, 1)
        self.run_for(12)
        self.assertEqual(account.foreign, 8)


class WeightTests(FleetCase):
    """Orders of a weight."""

    def weigh(self, member: Member, weight: float | None) -> OrderOutcome:
        """Order another weight of p/a at one server, as its API does."""
        shared = SharedOrder(now=member.wall(), weight=weight, by="ops")
        member.manager.weigh("p", "a", weight, now=member.wall(), by="ops")
        outcome: OrderOutcome = self.successResultOf(
            member.fleet.weigh("p", "a", shared)
        )
        return outcome

    def weights(self) -> list[float | None]:
        """What is ordered at all servers."""
        views = [one.manager.view("p") for one in self.members]
        return [view.member_states["a"].weight for view in views]

    def test_all_follow(self) -> None:
        """Beside an order of a state, which it leaves alone, and until it is lifted."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        self.order(two, Order.DRAIN)
        outcome = self.weigh(one, 7.0)
        self.assertEqual(outcome.servers, 2)
        self.run_for(2)
        self.assertEqual(self.weights(), [7.0, 7.0])
        later = self.join("ns3")
        self.run_for(12)
        self.assertEqual(self.weights(), [7.0, 7.0, 7.0])
        self.assertEqual(self.state(later), State.DRAIN)
        self.weigh(two, None)
        self.run_for(2)
        self.assertEqual(self.weights(), [None, None, None])
        self.assertEqual(self.state(one), State.DRAIN)

    def test_given_while_alone(self) -> None:
        """It holds here, and is told later."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        one.store.reachable = False
        self.run_for(20)
        self.assertIsNone(self.weigh(one, 3.0).revision)
        self.assertEqual(self.weights(), [3.0, None])
        one.store.heal()
        self.run_for(20)
        self.assertEqual(self.weights(), [3.0, 3.0])
        self.assertEqual(two.fleet.status().waiting, 0)


class CookieTests(FleetCase):
    """One secret for the cookies of all."""

    def test_the_first_one_holds(self) -> None:
        """Also in a store that was emptied."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        self.assertEqual(two.cookie_secrets, one.cookie_secrets)
        held = one.cookie_secrets
        self.keeper.put("secrets/cookies", None)
        self.run_for(12)
        self.assertIn("secrets/cookies", self.keeper.values)
        self.assertEqual((one.cookie_secrets, two.cookie_secrets), (held, held))

    def test_rotation(self) -> None:
        """All go from one secret to the next, and accept both meanwhile."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        (old,) = one.cookie_secrets
        read = Codec(CookieSecrets)

        def pass_time(seconds: float) -> None:
            """Have the last change lie so far back, and go on."""
            value, _ = self.keeper.values["secrets/cookies"]
            told = read.read(value)
            past = replace(told, since=told.since - seconds)
            self.keeper.put("secrets/cookies", read.pack(past))
            self.run_for(12)
            self.assertEqual(tuple(one.cookie_secrets), tuple(two.cookie_secrets))

        pass_time(KEPT)
        kept, new = one.cookie_secrets
        self.assertEqual(kept, old)
        pass_time(SPREAD)
        self.assertEqual(tuple(one.cookie_secrets), (new, old))
        pass_time(GOOD)
        self.assertEqual(tuple(one.cookie_secrets), (new,))

    def test_what_is_no_secret(self) -> None:
        """It is passed over."""
        one = self.join("ns1")
        self.run_for(12)
        held = one.cookie_secrets
        nothing = Codec(CookieSecrets).pack(CookieSecrets(secrets=("short",)))
        self.keeper.put("secrets/cookies", nothing)
        self.run_for(2)
        self.assertEqual(one.cookie_secrets, held)


class RollingTests(FleetCase):
    """Servers of other versions in the same fleet."""

    def test_what_is_not_known(self) -> None:
        """Other kinds and fields are passed over, and another format is told of."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        put = self.keeper.put
        put("by/ns2/telemetry/0", b"anything")
        put("by/ns2/votes/0/more", b"anything")
        put("telemetry/p", b"anything")
        put("orders/p/a/b", b"anything")
        self.run_for(12)
        self.assertEqual(one.fleet.status().counters["bad_values"], 1)
        later = {"v": 2, "now": one.wall(), "boot": 5}
        put("by/ns3/live", msgspec.msgpack.encode(later))
        more = {"v": 1, "now": one.wall(), "boot": 5, "mood": "good", "interval": 5.0}
        put("by/ns4/live", msgspec.msgpack.encode(more))
        self.run_for(2)
        servers = [one.server for one in two.fleet.status().servers if one.live]
        self.assertEqual(servers, ["ns2", "ns1", "ns4"])
        self.assertEqual(one.fleet.status().mode, "together")

    def test_a_later_version(self) -> None:
        """Its values in a later format are passed over, and its kinds; told once."""
        self.join("ns1")
        self.join("ns2")
        self.run_for(12)
        events = captured(self)
        kinds = ("handouts", "reports", "votes", "keys", "configs", "round_trips")
        for number in range(3):
            later = msgspec.msgpack.encode({"v": 2, "now": 1e9 + number})
            for kind in (*kinds, "telemetry"):
                self.keeper.put(f"by/ns2/{kind}/0", later)
            for key in ("orders/p/a", "weights/p/a", "secrets/cookies", "future/x"):
                self.keeper.put(key, later)
            self.run_for(0.5)
        said = [formatEvent(event) for event in events]
        unread = sorted(text for text in said if "not taken in" in text)
        # What ns2 owns is news to ns1 alone, what is shared to both.
        self.assertEqual(
            [text.split('"')[1] for text in unread], ["future"] * 2 + ["telemetry"]
        )
        passed = [text.split('"')[1] for text in said if "format 2 is not" in text]
        self.assertEqual(
            sorted(passed), ["ns2", *sorted(["orders", "secrets", "weights"] * 2)]
        )

    def test_a_reload_without_a_fleet(self) -> None:
        """The server leaves at once, and goes on alone; and joins again."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        self.order(one, Order.DRAIN)
        self.run_for(2)
        alone = Settings(path="x", pools=tuple(two.pools))
        two.fleet.reconfigure(alone)
        self.run_for(2)
        self.assertTrue(two.store.left)
        self.assertNotIn("by/ns2/live", self.keeper.values)
        self.assertEqual(two.fleet.status().mode, "alone")
        self.assertEqual(self.state(two), State.DRAIN)
        two.fleet.reconfigure(replace(alone, fleet=two.settings))
        self.run_for(12)
        self.assertEqual(two.fleet.status().mode, "together")

    def test_an_end_while_alone(self) -> None:
        """An order ends by each server's own clock, and goes from the store later."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        self.order(one, Order.DRAIN, until=one.wall() + 30)
        self.run_for(2)
        self.keeper.reachable = False
        self.run_for(40)
        for member in (one, two):
            member.manager.expire(member.wall())
            self.assertEqual(self.state(member), State.UP)
        self.keeper.reachable = True
        for member in (one, two):
            member.store.heal()
        self.run_for(20)
        self.assertNotIn("orders/p/a", self.keeper.values)
        self.assertEqual([self.state(one), self.state(two)], [State.UP, State.UP])


class DivisionTests(FleetCase):
    """Who asks whom."""

    def asked(self, member: Member) -> set[str]:
        """The members that a server asks for their load."""
        _, to_ask = member.fleet.division(member.pools)
        return {one.name for one in to_ask[0].members}

    def test_each_is_asked_by_two(self) -> None:
        """And by others when one of those has gone for long."""
        pools = [pool("p", *(host(f"m{n}") for n in range(40)))]
        servers = [self.join(f"ns{n}", pools=pools) for n in range(1, 5)]
        self.assertEqual(len(self.asked(servers[0])), 40)
        self.run_for(12)
        counts = [sum(f"m{n}" in self.asked(s) for s in servers) for n in range(40)]
        self.assertEqual(set(counts), {2})
        before = [self.asked(one) for one in servers]
        servers[3].store.reachable = False
        self.run_for(25)
        self.assertEqual(self.asked(servers[0]), before[0])
        self.assertEqual(len(self.asked(servers[3])), 40)
        self.run_for(40)
        left = servers[:3]
        counts = [sum(f"m{n}" in self.asked(s) for s in left) for n in range(40)]
        self.assertEqual(set(counts), {2})
        for server, had in zip(left, before, strict=False):
            self.assertLessEqual(had, self.asked(server))
