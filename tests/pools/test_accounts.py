"""Tests of `dinamed.pools.accounts`."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.accounts import MOST_RUNS, MemberAccount


class AccountTests(SynchronousTestCase):
    """Hand-outs that a report shows, and those that it can't show yet."""

    def test_a_report_of_now(self) -> None:
        """It shows all hand-outs so far."""
        account = MemberAccount("a")
        account.add(1, 10.2)
        account.add(2, 10.4)
        account.reported(10.4, 1.0)
        self.assertEqual((account.total, account.pending), (3, 0))

    def test_a_report_that_was_on_its_way(self) -> None:
        """Hand-outs after its time are pending still."""
        account = MemberAccount("a")
        for time in (1.0, 3.0, 5.0, 7.0):
            account.add(1, time)
        account.reported(4.0, 1.0)
        self.assertEqual(account.pending, 2)
        account.reported(6.0, 1.0)
        self.assertEqual(account.pending, 1)
        account.reported(7.0, 1.0)
        self.assertEqual(account.pending, 0)

    def test_within_a_run(self) -> None:
        """Of hand-outs counted together it shows its part."""
        account = MemberAccount("a")
        for tenth in range(10):
            account.add(10, 5.0 + tenth / 10)
        account.reported(5.3, 1.0)
        self.assertEqual(account.pending, 67)

    @given(
        st.lists(st.floats(0, 1000), min_size=1, max_size=200),
        st.lists(st.floats(0, 1000), max_size=5),
    )
    def test_bounds(self, times: list[float], reports: list[float]) -> None:
        """Counts are right to the hand-outs within a second of the report."""
        account = MemberAccount("a")
        times.sort()
        for time in times:
            account.add(1, time)
        latest = 0.0
        for measured in sorted(reports):
            account.reported(measured, None)
            latest = measured
        self.assertEqual(account.total, len(times))
        self.assertLessEqual(account.pending, len(times))
        if reports and len(times) < MOST_RUNS:
            certain = sum(time > latest + 1 for time in times)
            possible = sum(time > latest - 1 for time in times)
            self.assertLessEqual(certain, account.pending)
            self.assertLessEqual(account.pending, possible)
        account.reported(1000.0, None)
        self.assertEqual(account.pending, 0)

    def test_memory(self) -> None:
        """However long no report comes, only so many runs are kept, none is lost."""
        account = MemberAccount("a")
        for second in range(10 * MOST_RUNS):
            account.add(1, 2.0 * second)
        self.assertEqual(account.pending, 10 * MOST_RUNS)
        account.reported(20.0 * MOST_RUNS - 6.5, None)
        self.assertEqual(account.pending, 3 - 1 + 1)
