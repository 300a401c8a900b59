"""Tests of `dinamed.fleet.totals`."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.fleet.records import HandOuts
from dinamed.fleet.totals import ForeignTotals
from dinamed.pools.shared import ForeignHandOuts, SharedHandOuts


def said(at: float, boot: int = 1, **totals: int) -> HandOuts:
    """What a server says of pool p."""
    return HandOuts(now=at, boot=boot, pools={"p": SharedHandOuts(totals)})


class TotalsTests(SynchronousTestCase):
    """What was handed out between two values."""

    def setUp(self) -> None:
        self.totals = ForeignTotals()

    def take(self, told: HandOuts) -> ForeignHandOuts | None:
        """Take one in."""
        return self.totals.take("ns2", told, ("p", "q"), 0.5).get("p")

    def counts(self, told: HandOuts) -> dict[str, int]:
        """What it adds."""
        found = self.take(told)
        assert found is not None
        return found.counts

    def test_differences(self) -> None:
        """The first value is where counting begins; a lost one only delays."""
        self.assertEqual(self.counts(said(10.0, a=100)), {})
        self.assertEqual(self.counts(said(15.0, a=103, b=2)), {"a": 3, "b": 2})
        found = self.take(said(30.0, a=110, b=2))
        assert found is not None
        self.assertEqual((found.counts, found.lapse), ({"a": 7}, 15.0))

    def test_a_new_start(self) -> None:
        """Totals begin anew, and what was counted is not counted again."""
        self.counts(said(10.0, a=100))
        self.assertEqual(self.counts(said(15.0, boot=2, a=200)), {})
        self.assertEqual(self.counts(said(20.0, boot=2, a=201)), {"a": 1})

    def test_the_same_again_and_older_ones(self) -> None:
        """They add nothing."""
        self.counts(said(10.0, a=100))
        self.counts(said(15.0, a=103))
        self.assertIsNone(self.take(said(15.0, a=103)))
        self.assertIsNone(self.take(said(10.0, a=100)))
        self.assertEqual(self.counts(said(20.0, a=104)), {"a": 1})

    def test_totals_that_go_back(self) -> None:
        """A member that left and came begins anew."""
        self.counts(said(10.0, a=100))
        self.assertEqual(self.counts(said(15.0, a=3)), {})
        self.assertEqual(self.counts(said(20.0, a=5)), {"a": 2})

    def test_forgetting(self) -> None:
        """Servers that are gone for good take no memory."""
        self.counts(said(10.0, a=100))
        self.totals.keep(())
        self.assertEqual(self.counts(said(15.0, a=103)), {})
