"""Tests of `dinamed.pools.accounting`."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.accounting import PoolAccounting
from tests.pools.support import HERE, candidates


class LedgerTests(SynchronousTestCase):
    """What hand-outs leave behind."""

    def test_counts(self) -> None:
        """Hand-outs are counted in all, and since the last report."""
        a, b = candidates([1, 1])
        accounting = PoolAccounting(["a", "b"])
        accounting.hand_out(a, HERE, 60, 0.0)
        accounting.reported("a", 0.0)
        accounting.hand_out(a, HERE, 60, 0.0)
        accounting.hand_out(b, HERE, 60, 0.0)
        accounting.add("b", 10, 0.0)
        self.assertEqual(accounting.totals, {"a": 2, "b": 11})
        self.assertEqual(accounting.pending, {"a": 1, "b": 11})

    def test_only_members_have_entries(self) -> None:
        """Hand-outs to those who have left open no entries."""
        (a,) = candidates([1])
        accounting = PoolAccounting(["b"])
        accounting.hand_out(a, HERE, 60, 0.0)
        accounting.add("a", 3, 0.0)
        accounting.reported("a", 0.0)
        self.assertEqual(accounting.totals, {"b": 0})
        self.assertEqual(accounting.pending, {"b": 0})

    def test_keep(self) -> None:
        """Those who stay keep their entries, the others are forgotten."""
        accounting = PoolAccounting(["a", "b"])
        accounting.add("a", 2, 0.0)
        accounting.add("b", 2, 0.0)
        accounting.credits.update(a=1.0, b=1.0)
        accounting.keep(["b", "c"])
        self.assertEqual(accounting.totals, {"b": 2, "c": 0})
        self.assertEqual(accounting.pending, {"b": 2, "c": 0})
        self.assertEqual(accounting.credits, {"b": 1.0})
