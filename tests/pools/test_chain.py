"""Tests of `dinamed.pools.chain`."""

from collections.abc import Sequence
from types import MappingProxyType

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import settings
from dinamed.pools.chain import MOST_PREPARED, Chain, compile_chain
from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates
from dinamed.pools.recorder import ListRecorder, Narrowed, Picked
from dinamed.pools.stages.protocol import CLIENT, STATIC, PoolFacts, Registry, Stage
from dinamed.pools.stages.registry import builtin_stages
from tests.pools.support import candidates, context, facts


class Named:
    """Keeps the members named in its argument, and counts how often it is asked."""

    def __init__(self, argument: object, depends: frozenset[str] = STATIC) -> None:
        self.keeps = str(argument)
        self.depends = depends
        self.asked = 0

    def narrow(
        self, members: Candidates, context: DrawContext, facts: PoolFacts
    ) -> Candidates:
        """Keep those named."""
        self.asked += 1
        return tuple(member for member in members if member.name in self.keeps)


class FirstBits:
    """Keeps the members whose index has the lowest bits of the client's address."""

    depends = frozenset({CLIENT})

    def narrow(
        self, members: Candidates, context: DrawContext, facts: PoolFacts
    ) -> Candidates:
        """Keep some subset that differs from client to client."""
        number = int.from_bytes(context.client.address)
        return tuple(m for m in members if number >> m.index & 1)


class MadeStages:
    """A registry that remembers what it made."""

    def __init__(self) -> None:
        self.made: list[Stage] = []

    def registry(self) -> Registry:
        """The built-in stages and two of tests."""
        return MappingProxyType(
            {**builtin_stages(), "static": self._static, "dynamic": self._dynamic}
        )

    def _static(self, argument: object) -> Stage:
        return self._keep(Named(argument))

    def _dynamic(self, argument: object) -> Stage:
        return self._keep(Named(argument, frozenset({CLIENT})))

    def _keep(self, stage: Named) -> Stage:
        self.made.append(stage)
        return stage


def select(*entries: tuple[str, object]) -> Sequence[settings.StageSettings]:
    """The entries of `select`."""
    return [
        settings.StageSettings(name=name, argument=argument)
        for name, argument in entries
    ]


class CompileTests(SynchronousTestCase):
    """From `select` to a chain."""

    def refused(self, pattern: str, *entries: tuple[str, object]) -> None:
        """Such a `select` is refused with such a message."""
        with self.assertRaisesRegex(ValueError, pattern):
            compile_chain(select(*entries), MadeStages().registry())

    def test_refused(self) -> None:
        """What is wrong is said in plain words."""
        self.refused("select is empty")
        self.refused(
            "unknown stage 'x'; there are: all, best, country, dynamic", ("x", None)
        )
        self.refused(
            "hash picks, so it must be the last", ("hash", None), ("all", None)
        )
        self.refused("priority only narrows: the last", ("priority", None))
        self.refused("weighted takes no argument", ("weighted", 5))

    def test_names(self) -> None:
        """A chain knows its stages by name."""
        chain = compile_chain(
            select(("priority", None), ("hash", None)), builtin_stages()
        )
        self.assertEqual([name for name, _ in chain.narrowing], ["priority"])
        self.assertEqual(chain.picking[0], "hash")


class RouteTests(SynchronousTestCase):
    """A chain for certain candidates."""

    def setUp(self) -> None:
        """Five candidates, and what is known of their pool."""
        self.members = candidates([1] * 5)
        self.facts = facts(self.members)
        self.stages = MadeStages()

    def chain(self, *entries: tuple[str, object]) -> Chain:
        """A chain that picks all in the end."""
        return compile_chain(select(*entries, ("all", None)), self.stages.registry())

    def drawn(self, chain: Chain) -> str:
        """The names that one draw gives, sorted."""
        route = chain.route(self.members, 4, self.facts)
        return "".join(sorted(m.name for m in route.draw(context(), 1)))

    def test_stages_in_turn(self) -> None:
        """Each stage narrows what the one before has left."""
        chain = self.chain(("static", "abc"), ("dynamic", "bcd"), ("static", "ab"))
        self.assertEqual(self.drawn(chain), "b")

    def test_nothing_left_is_passed_on(self) -> None:
        """A stage that would leave nobody leaves all, first, later and last."""
        for entries in (
            (("static", "x"), ("dynamic", "ab")),
            (("dynamic", "ab"), ("static", "x")),
            (("static", "ab"), ("dynamic", "x"), ("dynamic", "cd")),
        ):
            self.assertEqual(self.drawn(self.chain(*entries)), "ab")

    def test_leading_static_stages_are_folded(self) -> None:
        """What depends on nothing is asked once; what follows the others, always."""
        chain = self.chain(("static", "abc"), ("dynamic", "abc"), ("static", "bc"))
        route = chain.route(self.members, 4, self.facts)
        for _ in range(10):
            route.draw(context(), 1)
        asked = [stage.asked for stage in self.stages.made if isinstance(stage, Named)]
        self.assertEqual(asked, [1, 10, 10])
        self.assertEqual(route.folded, self.members[:3])
        self.assertEqual([name for name, _ in route.remaining], ["dynamic", "static"])
        self.assertIsNone(route.prepared)

    def test_all_static(self) -> None:
        """A chain that depends on nothing is ready to pick at once."""
        chain = self.chain(("static", "abc"))
        route = chain.route(self.members, 4, self.facts)
        self.assertEqual(route.remaining, ())
        self.assertIs(route.prepared, route.ready(self.members[:3]))

    def test_what_is_ready_is_bounded(self) -> None:
        """However many sets come up, only so many are kept ready."""
        members = candidates([1] * 12)
        name, picking = compile_chain(select(("all", None)), builtin_stages()).picking
        route = Chain([("bits", FirstBits())], (name, picking)).route(
            members, 4, self.facts
        )
        made = {id(route.ready(members[:1]))}
        kept = route.ready(members[:1])
        self.assertEqual(made, {id(kept)})
        for number in range(1, 2 * MOST_PREPARED):
            asked = context()
            asked.client = asked.client._replace(address=number.to_bytes(4))
            drawn = route.draw(asked, 1)
            self.assertEqual(len(drawn), number.bit_count())
        self.assertIsNot(route.ready(members[:1]), kept)

    def test_recorded(self) -> None:
        """A recorder is told each stage, folded or not, and the pick."""
        chain = self.chain(("static", "abc"), ("dynamic", "x"))
        route = chain.route(self.members, 4, self.facts)
        recorder = ListRecorder()
        asked = context()
        asked.recorder = recorder
        drawn = route.draw(asked, 1)
        first, second, last = recorder.events
        self.assertEqual(
            first, Narrowed("p", "static", ("a", "b", "c", "d", "e"), ("a", "b", "c"))
        )
        self.assertEqual(
            second,
            Narrowed(
                "p",
                "dynamic",
                ("a", "b", "c"),
                ("a", "b", "c"),
                "nothing left, passed on",
            ),
        )
        names = tuple(member.name for member in drawn)
        third = 1 / 3
        self.assertEqual(
            last, Picked("p", "all", ("a", "b", "c"), (1, 1, 1), (third,) * 3, names)
        )
