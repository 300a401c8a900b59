"""Tests of the model, against what theory says."""

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import StageSettings
from dinamed.config.values import Ttl
from dinamed.simulator.demand import query_rate
from dinamed.simulator.figures import busiest
from dinamed.simulator.model import simulate
from dinamed.simulator.policies import BUILT_IN, Policy
from dinamed.simulator.scenario import Outage, Scenario, Silence, Stretching
from tests.simulator.support import SMALL, figures_of, mean, small, trace_of


class TheoryTests(SynchronousTestCase):
    """Where exact results are known."""

    def test_single_mirror(self) -> None:
        """The mean utilisation of one mirror is the offered load (Little's law)."""
        scenario = small(capacities=(2.0,), measure=4000.0)
        (series,) = trace_of(scenario).utilisation
        self.assertApproximates(mean(series[200:]), 0.7, 0.04)

    def test_weighted(self) -> None:
        """In the long run weights that are capacities use all mirrors equally."""
        scenario = small(zipf=0.0, resolvers=200, measure=6000.0)
        for series in trace_of(scenario).utilisation:
            self.assertApproximates(mean(series[200:]), 0.7, 0.07)

    def test_query_rate(self) -> None:
        """A resolver asks once in a TTL and the time to its next client."""
        scenario = small(measure=3000.0)
        found = figures_of(scenario).qps
        self.assertApproximates(found / query_rate(scenario), 1.0, 0.04)

    def test_no_caching(self) -> None:
        """With TTL 0 every transfer asks."""
        trace = trace_of(small(ttl=Ttl(0, 0)))
        self.assertEqual(trace.queries, trace.transfers)

    def test_stretching(self) -> None:
        """Resolvers that keep answers twice as long ask as with twice the TTL."""
        stretched = small(stretching=Stretching(share=1.0, factor=2.0))
        doubled = small(ttl=Ttl(40, 40))
        self.assertEqual(figures_of(stretched).qps, figures_of(doubled).qps)


class RunTests(SynchronousTestCase):
    """What a run is."""

    def test_deterministic(self) -> None:
        """One seed, one outcome; another seed, another."""
        for policy in BUILT_IN:
            with self.subTest(policy=policy):
                first, again = (trace_of(SMALL, policy) for _ in range(2))
                self.assertEqual(first, again)
        self.assertNotEqual(
            trace_of(SMALL).utilisation, trace_of(small(seed=2)).utilisation
        )

    def test_same_clients(self) -> None:
        """All policies face the same clients."""
        transfers = {trace_of(SMALL, policy).transfers for policy in BUILT_IN}
        self.assertEqual(len(transfers), 1)

    def test_length(self) -> None:
        """There is a value for each second of each mirror."""
        trace = trace_of(SMALL)
        lengths = {len(series) for series in (*trace.utilisation, trace.alive)}
        self.assertEqual(lengths, {800})

    def test_several_answers(self) -> None:
        """Clients of an answer with several mirrors spread over them."""
        policy = Policy("everyone", (StageSettings("all"),))
        trace = simulate(small(resolvers=1, capacities=(1.0, 1.0)), policy)
        low, high = sorted(mean(series[200:]) for series in trace.utilisation)
        self.assertApproximates(low / high, 1.0, 0.25)

    def test_several_servers(self) -> None:
        """The queries of several servers are those of one; only knowledge is split."""
        one, four = figures_of(SMALL), figures_of(small(servers=4))
        self.assertEqual(one.qps, four.qps)
        self.assertNotEqual(one.mean, four.mean)


class ReportTests(SynchronousTestCase):
    """Reports, and what keeps them away."""

    def test_they_matter(self) -> None:
        """With reports `predictive` keeps the busiest mirror well below `weighted`."""
        top = figures_of(SMALL, "predictive").mean
        self.assertLess(top, figures_of(SMALL).mean - 0.05)

    def test_loss(self) -> None:
        """Reports that get lost, are wrong, or stay away change what is chosen."""
        told = figures_of(SMALL, "predictive")
        for changed in (
            small(report_loss=0.9),
            small(report_noise=0.5),
            small(silences=(Silence(start=0.0, end=800.0),)),
        ):
            with self.subTest(changed=changed):
                self.assertNotEqual(told, figures_of(changed, "predictive"))

    def test_silence(self) -> None:
        """Without any report `predictive` still spreads by weight."""
        silent = small(silences=(Silence(start=0.0, end=800.0),))
        for series in trace_of(silent, "predictive").utilisation:
            self.assertGreater(mean(series[200:]), 0.4)


class OutageTests(SynchronousTestCase):
    """A mirror that dies, and comes back."""

    SCENARIO = small(offered=0.4, outages=(Outage(member=1, start=400.0, end=600.0),))

    def test_every_policy(self) -> None:
        """All go on answering; the dead mirror has nothing, and gets some again."""
        for policy in BUILT_IN:
            with self.subTest(policy=policy):
                trace = trace_of(self.SCENARIO, policy)
                dead, *rest = trace.utilisation
                self.assertEqual(set(dead[400:600]), {0.0})
                self.assertEqual(set(trace.alive), {2.0, 4.0})
                # 10 s until it is noticed, 20 s of cached answers, then all are back.
                total = sum(mean(one[440:600]) for one in rest)
                self.assertApproximates(total, 0.4 * 4, 0.45)
                self.assertGreater(trace.failed, 0)
                if policy != "hash":
                    self.assertGreater(mean(dead[700:]), 0.15)

    def test_too_short_to_notice(self) -> None:
        """An outage shorter than its detection takes nobody out."""
        short = small(outages=(Outage(member=1, start=400.0, end=405.0),))
        series = trace_of(short).utilisation[0]
        self.assertEqual(set(series[400:405]), {0.0})
        # Those who were cut off come back to it within two seconds.
        self.assertGreater(series[408], 0.6 * series[399])

    def test_nobody_left(self) -> None:
        """With all mirrors dead the clients keep trying, and are served at last."""
        outages = tuple(Outage(member=m, start=400.0, end=500.0) for m in (1, 2, 3))
        trace = trace_of(small(outages=outages))
        top = busiest(trace)
        self.assertEqual(max(top[400:500]), 0.0)
        self.assertGreater(min(top[560:]), 0.3)


class ReferenceTests(SynchronousTestCase):
    """The reference scenario, at full length."""

    def test_predictive(self) -> None:
        """`predictive` keeps the busiest mirror under 90 %, with no more queries."""
        found = figures_of(Scenario(), "predictive")
        self.assertGreaterEqual(found.under90, 0.99)
        self.assertLess(found.q98, 0.85)
        self.assertApproximates(found.qps, query_rate(Scenario()), 0.05)

    def test_weighted(self) -> None:
        """`weighted` does not, by far."""
        self.assertLess(figures_of(Scenario(), "weighted").under90, 0.75)

    def test_long_ttl(self) -> None:
        """An adaptive TTL does where answers and reports are old."""
        old = replace(Scenario(), ttl=Ttl(300, 300), report_interval=60.0)
        self.assertGreaterEqual(figures_of(old, "predictive+ttl").under90, 0.98)
