"""Tests of `dinamed.pools.stages.least`."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import settings
from dinamed.pools.recorder import ListRecorder, Picked
from dinamed.pools.report import Report
from dinamed.pools.stages.least import Least
from tests.pools.support import (
    chi_square,
    chosen,
    context,
    everyone,
    host,
    loaded,
    manager,
    pool,
)

NAMES = "abcde"


class Lbnamed:
    """The rule of lbnamed, to the letter.

    Sort the group by weight (lower is better) over participation, take the first, and
    add the increment to its weight; a poll sets all weights anew.
    """

    def __init__(self, participation: dict[str, float]) -> None:
        self.participation = participation
        self.weights: dict[str, float] = {}
        self.increments: dict[str, float] = {}

    def poll(self, polled: dict[str, tuple[float, float]]) -> None:
        """Take the weights and increments of a poll."""
        for name, (weight, increment) in polled.items():
            self.weights[name], self.increments[name] = weight, increment

    def best(self, taken: str) -> bool:
        """Whether that one is the best; it is then handed out."""
        ratio = {n: w / self.participation[n] for n, w in self.weights.items()}
        self.weights[taken] += self.increments[taken]
        return ratio[taken] <= min(ratio.values()) * (1 + 1e-12) + 1e-12


POLL = st.fixed_dictionaries(
    {name: st.tuples(st.integers(0, 3000), st.integers(0, 400)) for name in NAMES}
)


class LeastTests(SynchronousTestCase):
    """The lowest load wins, hand-outs included."""

    @profile(max_examples=50, deadline=None)
    @given(
        st.lists(st.tuples(POLL, st.integers(0, 60)), min_size=1, max_size=5),
        st.lists(st.sampled_from([1.0, 0.001, 2.5]), min_size=5, max_size=5),
    )
    def test_as_lbnamed(
        self, rounds: list[tuple[dict[str, tuple[int, int]], int]], parts: list[float]
    ) -> None:
        """Poll by poll and answer by answer the same, ties apart."""
        shares = dict(zip(NAMES, parts, strict=True))
        pools = manager(
            pool("p", *(host(n, shares[n]) for n in NAMES), select=("least",))
        )
        model = Lbnamed(shares)
        rng, now = Random(1), 0.0
        for polled, answers in rounds:
            now += 10.0
            model.poll({n: (float(w), float(i)) for n, (w, i) in polled.items()})
            for name, (weight, increment) in polled.items():
                report = loaded(weight, now, increment=increment)
                pools.report("p", name, report, now=now)
            for _ in range(answers):
                now += 0.1
                (name,) = chosen(pools.view("p"), context(rng, now=now))
                self.assertTrue(model.best(name))

    def report(self, now: float = 0.0, **loads: float) -> None:
        """Let members report."""
        for name, load in loads.items():
            self.pools.report("p", name, loaded(load, now), now=now)

    def serve(self, *select: object, answers: int = 1, number: int = 3) -> None:
        """Serve a pool of equal hosts."""
        (stage,) = select or (settings.StageSettings("least"),)
        assert isinstance(stage, settings.StageSettings)
        hosts = [host(name, v6=True) for name in NAMES[:number]]
        self.pools = manager(pool("p", *hosts, select=(stage,), answers=answers))
        self.rng = Random(7)

    def ask(self, now: float = 0.0, *, count: bool = True) -> tuple[str, ...]:
        """The names of one answer."""
        asked = context(self.rng, now=now, count=count)
        return chosen(self.pools.view("p"), asked)

    def test_increment_of_the_stage(self) -> None:
        """It counts where the report has none; 1 if neither says anything."""
        self.serve()
        self.report(a=0.0, b=2.5, c=99.0)
        self.assertEqual([self.ask()[0] for _ in range(5)], list("aaaba"))
        self.serve(settings.StageSettings("least", {"increment": 50}))
        self.report(a=0.0, b=20.0, c=90.0)
        self.assertEqual([self.ask()[0] for _ in range(5)], list("ababc"))

    def test_ties_by_chance(self) -> None:
        """Equal members come up alike, so that servers don't march in step."""
        firsts: Counter[str] = Counter()
        for seed in range(600):
            self.serve()
            self.report(a=5.0, b=5.0, c=5.0)
            self.rng = Random(seed)
            firsts[self.ask()[0]] += 1
        self.assertLess(chi_square(firsts, dict.fromkeys("abc", 1 / 3)), 13.816)

    def test_increment_zero(self) -> None:
        """Then equal members share all answers until the next report."""
        self.serve()
        for name in "ab":
            self.pools.report("p", name, loaded(1.0, increment=0.0), now=0.0)
        self.report(c=2.0)
        seen = Counter(self.ask()[0] for _ in range(4000))
        self.assertLess(chi_square(seen, {"a": 0.5, "b": 0.5}), 10.828)

    def test_what_counts(self) -> None:
        """Hand-outs of both families count, looks and TXT do not."""
        self.serve()
        self.report(a=0.0, b=1.5, c=1.6)
        view = self.pools.view("p")
        for _ in range(5):
            self.assertEqual(self.ask(count=False), ("a",))
            looked = chosen(view, context(self.rng, family=0, count=False))
            self.assertEqual(looked, ("a",))
        self.assertEqual(chosen(view, context(self.rng, family=6)), ("a",))
        self.assertEqual([self.ask()[0] for _ in range(2)], ["a", "b"])
        self.assertEqual(view.accounting.pending, {"a": 2, "b": 1, "c": 0})

    def test_a_report_starts_anew(self) -> None:
        """But hand-outs after its time are kept."""
        self.serve()
        self.report(a=0.0, b=1.5, c=50.0)
        self.assertEqual(self.ask(1.0), ("a",))
        self.assertEqual(self.ask(9.0), ("a",))
        late = Report(0.0, 5.0, "test", 10.0)
        self.pools.report("p", "a", late, now=10.0)
        self.assertEqual(self.pools.view("p").accounting.pending["a"], 1)
        self.assertEqual([self.ask(10.0)[0] for _ in range(2)], ["a", "b"])

    def test_several_answers(self) -> None:
        """The lowest, the next, and so on: different ones."""
        self.serve(answers=2)
        self.report(a=0.0, b=3.2, c=1.5)
        answers = ["".join(self.ask()) for _ in range(4)]
        self.assertEqual(answers, ["ac", "ac", "ab", "ac"])

    def test_no_reports(self) -> None:
        """Those without one get their static share."""
        self.serve()
        self.report(a=1000.0, b=0.0)
        seen = Counter(self.ask(1.0)[0] for _ in range(3000))
        self.assertLess(abs(seen["c"] / 3000 - 1 / 3), 0.03)

    def test_rank_and_scores(self) -> None:
        """Listings have the lowest first, and explain has the numbers."""
        self.serve()
        self.report(a=4.0, c=1.0)
        view = self.pools.view("p")
        self.assertEqual([m.name for m in view.ranked(0.0)], ["c", "a", "b"])
        asked = context(self.rng, count=False)
        recorder = asked.recorder = ListRecorder()
        view.choose(asked)
        last = recorder.events[-1]
        assert isinstance(last, Picked)
        self.assertEqual(
            last.scores,
            ("(4 + 0 x 1) / 1 = 4", "no report", "(1 + 0 x 1) / 1 = 1"),
        )

    def test_members_come_and_go(self) -> None:
        """Who is out is not picked, however low; who is back is."""
        self.serve()
        self.report(a=0.0, b=10.0, c=50.0)
        self.pools.health("p", "a", False, now=0.0)
        self.assertEqual(everyone(self.pools.view("p"), draws=3), {"b"})
        self.pools.health("p", "a", True, now=0.0)
        self.assertEqual(self.ask(), ("a",))

    def test_argument(self) -> None:
        """A table with the increment, above 0, or nothing."""
        for bad in (5, {"step": 1}, {"increment": 0}, {"increment": "1"}):
            with self.assertRaises(ValueError):
                Least(bad)
