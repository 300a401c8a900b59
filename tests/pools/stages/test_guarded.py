"""Tests of stages of other packages that fail."""

from collections.abc import Sequence
from random import Random
from types import MappingProxyType

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import settings
from dinamed.pools.chain import Chain, compile_chain
from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates, Member
from dinamed.pools.recorder import ListRecorder, Remark
from dinamed.pools.stages.guarded import StageFailures, guarded
from dinamed.pools.stages.protocol import CLIENT, STATIC, PoolFacts, Prepared
from dinamed.pools.stages.registry import builtin_stages
from tests.pools.support import HERE, candidates, context, facts

MEMBERS = candidates([1, 1, 1])


def recorded(recorder: ListRecorder) -> DrawContext:
    """A question whose answer is explained."""
    return DrawContext(HERE, 4, 0.0, Random(1), recorder=recorder)


class Narrow:
    """Gives or raises what it was made with."""

    depends = frozenset({CLIENT})

    def __init__(self, result: object) -> None:
        self.result = result

    def narrow(
        self, members: Candidates, context: DrawContext, facts: PoolFacts
    ) -> Candidates:
        """Give or raise it."""
        if isinstance(self.result, Exception):
            raise self.result
        return self.result  # type: ignore[return-value]


class Pick:
    """Raises in the methods that it is made with."""

    depends = STATIC

    def __init__(self, *broken: str) -> None:
        self.broken = broken

    def _use(self, name: str) -> None:
        if name in self.broken:
            raise LookupError(name)

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> Prepared:
        """Make ready."""
        self._use("prepare")
        self.candidates = candidates
        return self

    def draw(self, context: DrawContext, count: int) -> Candidates:
        """The first ones."""
        self._use("draw")
        return self.candidates[:count]

    def rank(self, now: float) -> Sequence[Member]:
        """In their order."""
        self._use("rank")
        return self.candidates

    def odds(self, context: DrawContext) -> Sequence[float]:
        """All for the first."""
        self._use("odds")
        return (1.0, 0.0, 0.0)

    def scores(self, context: DrawContext) -> Sequence[str]:
        """A word on each."""
        self._use("scores")
        return ("x", "y", "z")


class GuardedTests(SynchronousTestCase):
    """What is drawn, counted and told when a stage fails."""

    def setUp(self) -> None:
        """Nothing has failed yet."""
        self.told: list[str] = []
        self.failures = StageFailures(lambda name, error: self.told.append(str(error)))

    def chain(self, stage: object, *, picks: bool = False) -> Chain:
        """A chain with this stage in it."""
        registry = MappingProxyType(
            {
                **builtin_stages(),
                "mine": lambda argument: guarded("mine", stage, self.failures),
            }
        )
        names = ("mine",) if picks else ("mine", "all")
        return compile_chain(
            [settings.StageSettings(name=name) for name in names], registry
        )

    def test_narrowing(self) -> None:
        """What raises, and what gives no members of ours, is passed over."""
        results: tuple[object, ...] = (
            LookupError("gone"),
            None,
            "abc",
            candidates([1, 1, 1, 1])[3:],
            [1],
            ([],),
        )
        for result in results:
            chain = self.chain(Narrow(result))
            route = chain.route(MEMBERS, 4, facts(MEMBERS))
            self.assertEqual(set(route.draw(context(), 3)), set(MEMBERS))
        self.assertEqual(self.failures.counts["mine"], 6)
        self.assertEqual(self.told, ["gone"])

    def test_good(self) -> None:
        """What does well is as without a guard."""
        route = self.chain(Narrow([MEMBERS[1]])).route(MEMBERS, 4, facts(MEMBERS))
        self.assertEqual(route.draw(context(), 3), (MEMBERS[1],))
        chain = self.chain(Pick(), picks=True)
        recorder = ListRecorder()
        route = chain.route(MEMBERS, 4, facts(MEMBERS))
        self.assertEqual(route.draw(context(), 2), MEMBERS[:2])
        route.draw(recorded(recorder), 1)
        self.assertEqual(recorder.events[-1].scores, ("x", "y", "z"))  # type: ignore[attr-defined]
        self.assertEqual(self.failures.counts, {})

    def test_picking(self) -> None:
        """In place of a stage that picks and fails, members are drawn by weight."""
        for broken in ("prepare", "draw"):
            chain = self.chain(Pick(broken), picks=True)
            route = chain.route(MEMBERS, 4, facts(MEMBERS))
            asked = context(Random(1))
            drawn = {route.draw(asked, 1)[0].name for _ in range(60)}
            self.assertEqual(drawn, {"a", "b", "c"})
        self.assertEqual(self.told, ["prepare"])

    def test_listings(self) -> None:
        """What only shows something does without."""
        chain = self.chain(Pick("rank", "odds", "scores"), picks=True)
        route = chain.route(MEMBERS, 4, facts(MEMBERS))
        self.assertEqual(len(route.rank(0.0)), 3)
        recorder = ListRecorder()
        self.assertEqual(route.draw(recorded(recorder), 1), MEMBERS[:1])
        self.assertEqual(self.failures.counts["mine"], 3)

    def test_recorded(self) -> None:
        """An explanation has the step that failed."""
        recorder = ListRecorder()
        chain = self.chain(Narrow(LookupError("gone")))
        route = chain.route(MEMBERS, 4, facts(MEMBERS))
        route.draw(recorded(recorder), 1)
        remark = recorder.events[0]
        assert isinstance(remark, Remark)
        self.assertEqual(remark.text, "mine raised LookupError: gone; passed over")

    def test_no_stage(self) -> None:
        """What lacks the parts of a stage is refused when it is made."""
        self.assertRaises(ValueError, guarded, "mine", object(), self.failures)
        self.assertRaises(ValueError, guarded, "mine", None, self.failures)
