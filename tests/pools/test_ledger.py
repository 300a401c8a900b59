"""Tests of `dinamed.pools.ledger`."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.ledger import Ledger
from tests.pools.support import HERE, candidates


class LedgerTests(SynchronousTestCase):
    """What hand-outs leave behind."""

    def test_counts(self) -> None:
        """Hand-outs are counted in all, and since the last report."""
        a, b = candidates([1, 1])
        ledger = Ledger(["a", "b"])
        ledger.hand_out(a, HERE, 60, 0.0)
        ledger.reported("a", 0.0)
        ledger.hand_out(a, HERE, 60, 0.0)
        ledger.hand_out(b, HERE, 60, 0.0)
        ledger.add("b", 10, 0.0)
        self.assertEqual(ledger.totals, {"a": 2, "b": 11})
        self.assertEqual(ledger.pending, {"a": 1, "b": 11})

    def test_only_members_have_entries(self) -> None:
        """Hand-outs to those who have left open no entries."""
        (a,) = candidates([1])
        ledger = Ledger(["b"])
        ledger.hand_out(a, HERE, 60, 0.0)
        ledger.add("a", 3, 0.0)
        ledger.reported("a", 0.0)
        self.assertEqual(ledger.totals, {"b": 0})
        self.assertEqual(ledger.pending, {"b": 0})

    def test_keep(self) -> None:
        """Those who stay keep their entries, the others are forgotten."""
        ledger = Ledger(["a", "b"])
        ledger.add("a", 2, 0.0)
        ledger.add("b", 2, 0.0)
        ledger.credits.update(a=1.0, b=1.0)
        ledger.keep(["b", "c"])
        self.assertEqual(ledger.totals, {"b": 2, "c": 0})
        self.assertEqual(ledger.pending, {"b": 2, "c": 0})
        self.assertEqual(ledger.credits, {"b": 1.0})
