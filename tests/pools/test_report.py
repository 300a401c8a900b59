"""Tests of L{dinamed.pools.report}."""

import math

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.report import (
    MAX_AHEAD,
    MAX_AMOUNT,
    Report,
    make_report,
    out_report,
)

NOW = 1_700_000_000.0
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.just(10**400),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.none(), max_size=1),
)


class MakeReportTests(SynchronousTestCase):
    """What is taken, and what is refused in which words."""

    def refused(self, load: object = 1, **others: object) -> str:
        """The words of a refusal."""
        error = self.assertRaises(
            ValueError,
            make_report,
            load,
            now=NOW,
            source="push",
            **others,
        )
        return str(error)

    def test_plain(self) -> None:
        """All values are kept as floats; without a time it is now."""
        self.assertEqual(
            make_report(3, now=NOW, source="push", capacity=10, increment=0),
            Report(3.0, NOW, "push", NOW, 10.0, 0.0, False),
        )

    def test_time(self) -> None:
        """The member's time counts, unless it is a little ahead of ours."""
        for at, kept in ((NOW - 500, NOW - 500), (NOW + MAX_AHEAD, NOW), (0, 0.0)):
            report = make_report(1, now=NOW, source="push", at=at)
            self.assertEqual((report.at, report.received), (kept, NOW))

    def test_future(self) -> None:
        """A time far ahead is refused; so is one in milliseconds."""
        self.assertEqual(self.refused(at=NOW + 61), "at is 61 s in the future")
        self.assertIn("in the future", self.refused(at=NOW * 1000))
        self.assertEqual(self.refused(at=math.inf), "at is absurdly high: inf")
        self.assertEqual(self.refused(at=-1), "at is negative: -1")

    def test_no_number(self) -> None:
        """What is no number is refused and shown."""
        self.assertEqual(self.refused("3"), 'load is not a number: "3"')
        self.assertEqual(self.refused(True), "load is not a number: true")
        self.assertEqual(self.refused(None), "load is not a number: nothing")
        self.assertEqual(self.refused(math.nan), "load is not a number: NaN")

    def test_range(self) -> None:
        """Loads are from 0 to a number that nothing can reach."""
        self.assertEqual(self.refused(-0.5), "load is negative: -0.5")
        self.assertEqual(self.refused(2 * MAX_AMOUNT), "load is absurdly high: 2e+18")
        self.assertEqual(self.refused(10**400), "load is absurdly high: inf")
        self.assertEqual(self.refused(-(10**400)), "load is negative: -inf")
        self.assertEqual(self.refused(capacity=0), "capacity is 0")
        self.assertEqual(self.refused(capacity=-1), "capacity is negative: -1")
        self.assertEqual(self.refused(increment=-1), "increment is negative: -1")

    def test_negative_zero(self) -> None:
        """Zero has no sign."""
        load = make_report(-0.0, now=NOW, source="push").load
        self.assertEqual(math.copysign(1, load), 1)

    def test_out(self) -> None:
        """A member that is out is the worst even to those who only see its load."""
        report = out_report(now=NOW, source="lbcd")
        self.assertEqual((report.out, report.load), (True, MAX_AMOUNT))

    @given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
    def test_anything(
        self, load: object, at: object, capacity: object, increment: object
    ) -> None:
        """Whatever comes makes a sound report or a ValueError."""
        try:
            report = make_report(
                load,
                now=NOW,
                source="push",
                at=at,
                capacity=capacity,
                increment=increment,
            )
        except ValueError as error:
            self.assertTrue(str(error).isprintable())
            return
        self.assertTrue(0 <= report.load <= MAX_AMOUNT)
        self.assertTrue(0 <= report.at <= report.received)
        if report.capacity is not None:
            self.assertTrue(0 < report.capacity <= MAX_AMOUNT)
