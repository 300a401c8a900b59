"""Tests of `dinamed.pools.pool`: one pool by itself."""

from collections import Counter
from ipaddress import ip_address
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.checks import TcpCheck
from dinamed.config.settings import MemberSettings
from dinamed.pools.choice import Choice
from dinamed.pools.context import DrawContext
from dinamed.pools.pool import PoolView
from dinamed.pools.recorder import Event, ListRecorder, Out, Picked, Remark
from dinamed.pools.states import Order, State
from tests.pools.support import (
    HERE,
    chi_square,
    chosen,
    context,
    everyone,
    host,
    manager,
    nested,
    pool,
)


class ChooseTests(SynchronousTestCase):
    """Who is handed out."""

    def test_choice(self) -> None:
        """A choice gives the members, the TTL, the scope, and how the pool is."""
        view = manager(pool("p", host("a"), ttl=30)).view("p")
        self.assertEqual(
            view.choose(context()), Choice(view.members, ttl=30, scope=0, down=False)
        )

    def test_weights(self) -> None:
        """Shares go by weight (chi-square at 0.1 %, one degree of freedom)."""
        view = manager(pool("p", host("a", 3), host("b", 1))).view("p")
        rng = Random(5)
        count = Counter(chosen(view, context(rng))[0] for _ in range(10_000))
        excess = (count["a"] - 7500) ** 2
        self.assertLess(excess / 7500 + excess / 2500, 10.828)

    def test_weight_0_is_never_handed_out(self) -> None:
        """Not even when nobody else is left."""
        pools = manager(pool("p", host("a", 0), host("b")))
        self.assertEqual(everyone(pools.view("p")), {"b"})
        pools.order("p", "b", Order.DOWN, now=0.0)
        self.assertEqual(everyone(pools.view("p")), {"b"})
        view = manager(pool("p", host("a", 0))).view("p")
        self.assertEqual(view.choose(context()), Choice((), 60, 0, True))

    def test_answers(self) -> None:
        """As many different members as `answers` says, or all there are."""
        for answers, given_out in ((1, 1), (2, 2), (3, 3), (7, 3)):
            hosts = [host(name) for name in "abc"]
            view = manager(pool("p", *hosts, answers=answers)).view("p")
            self.assertEqual(len(set(chosen(view))), given_out)

    def test_orders(self) -> None:
        """Nobody who is down or drained gets a hand-out."""
        for order in (Order.DOWN, Order.DRAIN):
            pools = manager(pool("p", host("a"), host("b"), host("c")))
            pools.order("p", "a", order, now=0.0)
            self.assertEqual(everyone(pools.view("p")), {"b", "c"})

    def test_health(self) -> None:
        """A failed check takes a member out, but not against an order."""
        pools = manager(pool("p", host("a"), host("b")))
        pools.health("p", "a", False, now=0.0)
        self.assertEqual(everyone(pools.view("p")), {"b"})
        pools.order("p", "a", Order.UP, now=0.0)
        self.assertEqual(everyone(pools.view("p")), {"a", "b"})

    def test_priority(self) -> None:
        """The next rank has its turn when the first has nobody usable left."""
        first, second = host("a", priority=1), host("b", priority=2)
        pools = manager(pool("p", second, first, select=("priority", "weighted")))
        self.assertEqual(everyone(pools.view("p")), {"a"})
        pools.health("p", "a", False, now=0.0)
        self.assertEqual(everyone(pools.view("p")), {"b"})
        self.assertFalse(pools.view("p").down)

    def test_hash_scope(self) -> None:
        """A choice by client has a scope, for either family."""
        hosts = [host(name, v6=True) for name in "abcd"]
        view = manager(pool("p", *hosts, select=("hash",))).view("p")
        four = view.choose(context(family=4))
        six = view.choose(context(family=6))
        self.assertEqual(four.scope, 24)
        self.assertEqual(four, six)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from((0, 1, 2.5)),
                st.booleans(),
                st.booleans(),
                st.sampled_from(Order),
                st.sampled_from((True, False, None)),
            ),
            max_size=6,
        ),
        st.sampled_from(("weighted", "round-robin", "hash", "all")),
        st.sampled_from((4, 6, 0)),
        st.integers(1, 4),
    )
    def test_only_who_may(
        self,
        drawn: list[tuple[float, bool, bool, Order, bool | None]],
        picker: str,
        family: int,
        answers: int,
    ) -> None:
        """Whatever the states, a choice gives who may be given, or `down`."""
        hosts = [
            host(f"m{i}", weight, v4=v4, v6=v6)
            for i, (weight, v4, v6, _, _) in enumerate(drawn)
        ]
        pools = manager(pool("p", *hosts, select=(picker,), answers=answers))
        for i, (_, _, _, order, healthy) in enumerate(drawn):
            pools.order("p", f"m{i}", order, now=0.0)
            pools.health("p", f"m{i}", healthy, now=0.0)
        view = pools.view("p")
        asked = context()
        asked.family = family  # type: ignore[assignment]
        choice = view.choose(asked)
        may = tuple(m for m in view.usable if m.has(asked.family))
        could = tuple(m for m in view.members if m.weight and m.has(asked.family))
        down = not view.usable or bool(could and not may)
        self.assertEqual(choice.down, down)
        may = could if down else may
        self.assertLessEqual(set(choice.members), set(may))
        want = len(may) if picker == "all" else min(answers, len(may))
        self.assertEqual(len(choice.members), want)
        self.assertEqual(len(set(choice.members)), want)


class HealthyShareTests(SynchronousTestCase):
    """`healthy_share`: too few usable members are none."""

    def test_too_few(self) -> None:
        """Below the share all are handed out, and the pool above goes elsewhere."""
        inner = pool(
            "in",
            host("a", 2),
            host("b", 1),
            host("c", 1),
            select=["all"],
            healthy_share=0.5,
        )
        pools = manager(inner, pool("out", nested("in"), host("z"), select=["all"]))
        pools.health("in", "b", False, now=0.0)
        pools.health("in", "c", False, now=0.0)
        self.assertFalse(pools.view("in").down)
        self.assertEqual(everyone(pools.view("in")), {"a"})
        pools.health("in", "b", True, now=0.0)
        pools.health("in", "a", False, now=0.0)
        view = pools.view("in")
        self.assertTrue(view.down)
        self.assertEqual(everyone(view), {"a", "b", "c"})
        self.assertEqual(everyone(pools.view("out")), {"z"})
        recorder = ListRecorder()
        view.choose(DrawContext(HERE, 4, 0.0, Random(1), recorder=recorder))
        why = "too few usable members (2 of 4 by weight, 0.5 wanted)"
        self.assertNotIn(why, str(recorder.events))
        why = "too few usable members (1 of 4 by weight, 0.5 wanted)"
        self.assertEqual(view.lacking, why)
        self.assertIn(f'{why}: when_down = "all"', str(recorder.events))

    def test_rounding(self) -> None:
        """Weights that are just the share, but for rounding, are enough."""
        members = (host("a", 0.1), host("b", 0.2), host("c", 0.3))
        pools = manager(pool("p", *members, healthy_share=0.5))
        pools.health("p", "c", False, now=0.0)
        self.assertFalse(pools.view("p").down)


class UsableWeightTests(SynchronousTestCase):
    """`usable_weight`: a pool in a pool weighs what its usable members do."""

    def setUp(self) -> None:
        site = MemberSettings(name="a", pool="a", weight=2, usable_weight=True)
        self.pools = manager(
            pool("a", host("a1", 3), host("a2", 1)),
            pool("b", host("b1", 8)),
            pool("out", site, nested("b", 8), healthy_share=0.3),
        )

    def weights(self) -> list[float]:
        """Those of the members of the outer pool."""
        return [member.weight for member in self.pools.view("out").members]

    def test_follows(self) -> None:
        """The weight follows the states of the members, and so do the odds."""
        self.assertEqual(self.weights(), [8, 8])
        self.pools.health("a", "a1", False, now=0.0)
        self.assertEqual(self.weights(), [2, 8])
        rng = Random(1)
        drawn = Counter(
            chosen(self.pools.view("out"), context(rng)) for _ in range(2000)
        )
        chances: dict[tuple[str, ...], float] = {("a2",): 0.2, ("b1",): 0.8}
        self.assertLess(chi_square(drawn, chances), 10.8)
        self.pools.health("a", "a1", True, now=0.0)
        self.assertEqual(self.weights(), [8, 8])

    def test_orders(self) -> None:
        """An order for the weight changes how many times."""
        self.pools.weigh("out", "a", 3, now=0.0)
        self.assertEqual(self.weights(), [12, 8])
        self.pools.weigh("a", "a2", 3, now=0.0)
        self.assertEqual(self.weights(), [18, 8])

    def test_share(self) -> None:
        """The share of the weight that is healthy goes by those that are usable."""
        self.pools.health("b", "b1", False, now=0.0)
        self.assertFalse(self.pools.view("out").down)
        self.pools.health("a", "a1", False, now=0.0)
        view = self.pools.view("out")
        self.assertEqual(
            view.lacking, "too few usable members (2 of 16 by weight, 0.3 wanted)"
        )
        self.assertEqual(everyone(view), {"a2", "b1"})


class FamilyTests(SynchronousTestCase):
    """Members without an address of the family asked for are skipped."""

    def test_skipped(self) -> None:
        """Each family is chosen from those who have it."""
        hosts = [host("a"), host("b", v6=True), host("c", v4=False, v6=True)]
        view = manager(pool("p", *hosts)).view("p")
        self.assertEqual(everyone(view, 4), {"a", "b"})
        self.assertEqual(everyone(view, 6), {"b", "c"})
        self.assertEqual(everyone(view, 0), {"a", "b", "c"})

    def test_skipped_before_the_first_stage(self) -> None:
        """A better rank without the family does not hide a worse one with it."""
        hosts = [host("a", priority=1), host("b", v6=True, priority=2)]
        view = manager(pool("p", *hosts, select=("priority", "weighted"))).view("p")
        self.assertEqual(everyone(view, 4), {"a"})
        self.assertEqual(everyone(view, 6), {"b"})

    def test_nobody_has_it(self) -> None:
        """Then there is no data; that is not `down`, and calls nobody in."""
        for when_down in ("all", "none", "last", "q"):
            pools = manager(
                pool("p", host("a"), when_down=when_down), pool("q", host("b", v6=True))
            )
            view = pools.view("p")
            self.assertEqual(view.choose(context(family=6)), Choice((), 60, 0, False))
            self.assertFalse(view.offers(6))

    def test_the_only_one_of_a_family_fails(self) -> None:
        """Then `when_down` decides, for that family alone."""
        expected = {"all": ["b"], "none": [], "last": ["b"], "q": ["c"]}
        for when_down, names in expected.items():
            pools = manager(
                pool("p", host("a"), host("b", v4=False, v6=True), when_down=when_down),
                pool("q", host("c", v6=True)),
            )
            pools.health("p", "b", False, now=0.0)
            view = pools.view("p")
            choice = view.choose(context(family=6))
            self.assertEqual([member.name for member in choice.members], names)
            self.assertTrue(choice.down)
            self.assertEqual(view.offers(6), bool(names))
            self.assertFalse(view.down or view.is_down(4))
            self.assertEqual(everyone(view, 4), {"a"})

    def test_an_address_fails(self) -> None:
        """It is out for its family; the member's others are given."""
        hosts = [host("a", v6=True), host("b", v6=True)]
        pools = manager(pool("p", *hosts))
        dead = hosts[0].addresses[1]
        pools.health("p", "a", True, "", [(dead, "refused")], now=0.0)
        view = pools.view("p")
        self.assertEqual(everyone(view, 4), {"a", "b"})
        self.assertEqual(everyone(view, 6), {"b"})
        self.assertEqual(view.usable, view.members)
        packed = ip_address(dead).packed
        self.assertEqual(view.addresses_out(view.members[0]), {packed: "refused"})
        self.assertEqual([m.name for m in view.ranked(0.0)], ["a", "b"])
        asked = context(family=6)
        asked.recorder = recorder = ListRecorder()
        view.choose(asked)
        self.assertIn(Out("p", "a", f"{dead}: refused"), recorder.events)
        pools.order("p", "a", Order.UP, now=0.0)
        self.assertEqual(everyone(pools.view("p"), 6), {"a", "b"})
        pools.order("p", "a", Order.AUTO, now=0.0)
        checked = msgspec.structs.replace(pool("p", *hosts), check=(TcpCheck(port=80),))
        restored = manager(checked)
        restored.restore(pools.saved(), 0.0)
        self.assertEqual(everyone(restored.view("p"), 6), {"b"})

    def test_one_of_several_addresses_fails(self) -> None:
        """The others of that family are given, and never the dead one."""
        member = MemberSettings(
            name="a", addresses=("192.0.2.1", "192.0.2.2", "192.0.2.3")
        )
        pools = manager(pool("p", member))
        failing = [("192.0.2.2", "slow"), ("192.0.2.1", "slow")]
        pools.health("p", "a", True, "", failing, now=0.0)
        choice = pools.view("p").choose(context(family=4))
        found = choice.members[0].addresses(4)
        self.assertEqual(found, (ip_address("192.0.2.3").packed,))

    def test_last_of_a_family(self) -> None:
        """`last` remembers who was usable for each family."""
        hosts = [host(name, v6=True) for name in "abc"]
        pools = manager(pool("p", *hosts, when_down="last"))
        for names in ("a", "ab", "abc"):
            for name in names:
                dead = [(hosts["abc".index(name)].addresses[1], "dead")]
                pools.health("p", name, True, "", dead, now=0.0)
        view = pools.view("p")
        self.assertTrue(view.is_down(6))
        self.assertEqual(everyone(view, 6), {"c"})
        self.assertEqual(everyone(view, 4), {"a", "b", "c"})

    def test_a_host_without_addresses(self) -> None:
        """It is never usable."""
        view = manager(pool("p", host("a", v4=False))).view("p")
        self.assertTrue(view.down)
        self.assertEqual(view.why_out(view.members[0]), "no address")
        self.assertEqual(view.choose(context(family=0)).members, ())


class HandOutTests(SynchronousTestCase):
    """What a choice leaves behind."""

    def test_counted(self) -> None:
        """Each member of an answer is counted."""
        view = manager(pool("p", host("a"), host("b"), answers=2)).view("p")
        for _ in range(3):
            view.choose(context())
        self.assertEqual(view.accounting.totals, {"a": 3, "b": 3})

    def test_a_look_is_not(self) -> None:
        """A look counts nothing and does not move the turn."""
        hosts = [host(name) for name in "abc"]
        view = manager(pool("p", *hosts, select=("round-robin",))).view("p")
        looks = {chosen(view, context(family=0, count=False)) for _ in range(5)}
        self.assertEqual(looks, {chosen(view)})
        self.assertEqual(sum(view.accounting.totals.values()), 1)


class ListingTests(SynchronousTestCase):
    """The members, best first."""

    def names(self, view: PoolView) -> list[str]:
        """The names in the order of the listing."""
        return [member.name for member in view.ranked(0.0)]

    def test_ranked(self) -> None:
        """By the picker; then by rank; those who are out come last."""
        hosts = [host("a", 0), host("b", 1), host("c", 5), host("d", 9, priority=2)]
        pools = manager(
            pool("p", *hosts, host("e", 7), select=("priority", "weighted"))
        )
        pools.order("p", "e", Order.DRAIN, now=0.0)
        self.assertEqual(self.names(pools.view("p")), ["c", "b", "d", "e", "a"])

    def test_ranked_while_down(self) -> None:
        """All are listed even if nobody is usable."""
        for when_down in ("all", "none", "last", "q"):
            pools = manager(
                pool("p", host("a", 1), host("b", 2), when_down=when_down),
                pool("q", host("c")),
            )
            for name in "ab":
                pools.health("p", name, False, now=0.0)
            self.assertEqual(self.names(pools.view("p")), ["b", "a"])

    def test_state(self) -> None:
        """Each has a state, and a reason if it is out."""
        pools = manager(pool("p", host("a"), host("b", 0)))
        pools.order("p", "a", Order.DRAIN, now=0.0)
        view = pools.view("p")
        a, b = view.members
        self.assertEqual([view.state(a), view.state(b)], [State.DRAIN, State.UP])
        self.assertEqual(view.why_out(a), "drained by order")
        self.assertEqual(view.why_out(b), "weight 0")


class ExplainTests(SynchronousTestCase):
    """A choice tells why."""

    def events(self, view: PoolView) -> list[Event]:
        """What one look for IPv4 tells."""
        recorder = ListRecorder()
        asked = context(count=False)
        asked.recorder = recorder
        view.choose(asked)
        return recorder.events

    def test_who_was_out_and_who_was_picked(self) -> None:
        """Those who are out are told with the reason, then the stages."""
        hosts = [host("a"), host("b", 0), host("c", v4=False, v6=True), host("d")]
        pools = manager(pool("p", *hosts))
        pools.health("p", "d", False, "timeout", now=0.0)
        self.assertEqual(
            self.events(pools.view("p")),
            [
                Out("p", "b", "weight 0"),
                Out("p", "c", "no IPv4 address"),
                Out("p", "d", "unhealthy: timeout"),
                Picked("p", "weighted", ("a",), (1.0,), (1.0,), ("a",)),
            ],
        )

    def test_down(self) -> None:
        """That nobody was usable is told, with the rule."""
        view = manager(pool("p", host("a", 0), when_down="none")).view("p")
        self.assertEqual(
            self.events(view),
            [
                Out("p", "a", "weight 0"),
                Remark("p", 'no usable member: when_down = "none"'),
            ],
        )

    def test_recording_does_not_change_the_choice(self) -> None:
        """With and without a recorder the same is chosen."""
        hosts = [host(name) for name in "abcdef"]
        for picker in ("weighted", "round-robin", "hash", "all"):
            view = manager(pool("p", *hosts, select=(picker,))).view("p")
            view.choose(context())
            plain = view.choose(context(Random(4), count=False))
            asked = context(Random(4), count=False)
            asked.recorder = ListRecorder()
            self.assertEqual(view.choose(asked), plain)

    def test_events_are_data(self) -> None:
        """Events can be sent as JSON, and say what they are."""
        view = manager(pool("p", host("a", 0))).view("p")
        first = msgspec.json.decode(msgspec.json.encode(self.events(view)))[0]
        self.assertEqual(
            first, {"event": "out", "pool": "p", "member": "a", "reason": "weight 0"}
        )
