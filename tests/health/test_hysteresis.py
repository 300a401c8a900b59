"""From single results to a state."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.health.hysteresis import HISTORY, CheckRecord, Hysteresis


def feed(checker: Hysteresis, results: str) -> str:
    """Give results (`+` and `-`); the states that follow each (`U` and `D`)."""
    states = ""
    for place, result in enumerate(results):
        reason = "" if result == "+" else f"reason {place}"
        checker.take(CheckRecord(float(place), result == "+", 0.1, reason))
        states += "U" if checker.up else "D"
    return states


class CheckerTests(SynchronousTestCase):
    """The state machine."""

    def test_unknown(self) -> None:
        """Nothing is known before the first result."""
        self.assertIs(Hysteresis(3, 2).up, None)

    def test_first_decides(self) -> None:
        """The first result decides at once, either way."""
        self.assertEqual(feed(Hysteresis(3, 2), "+"), "U")
        self.assertEqual(feed(Hysteresis(3, 2), "-"), "D")

    def test_fall(self) -> None:
        """Failures count in a row."""
        self.assertEqual(feed(Hysteresis(3, 2), "+-+-+--+"), "UUUUUUDD")

    def test_rise(self) -> None:
        """Successes count in a row."""
        self.assertEqual(feed(Hysteresis(3, 2), "-++-+++-"), "DDDDDDUU")

    def test_one(self) -> None:
        """With counts of one the state follows each result."""
        self.assertEqual(feed(Hysteresis(1, 1), "+-+--++"), "UDUDDUU")

    def test_reason(self) -> None:
        """The last reason stays while down, and goes with the doubt."""
        checker = Hysteresis(2, 2)
        feed(checker, "+-")
        self.assertEqual((checker.up, checker.reason), (True, "reason 1"))
        feed(checker, "+")
        self.assertEqual(checker.reason, "")
        feed(checker, "--+")
        self.assertEqual((checker.up, checker.reason), (False, "reason 1"))
        feed(checker, "+")
        self.assertEqual((checker.up, checker.reason), (True, ""))

    def test_since(self) -> None:
        """The time of the last change is kept."""
        checker = Hysteresis(3, 2)
        feed(checker, "+++--")
        self.assertEqual(checker.since, 4.0)

    def test_take_tells_of_changes(self) -> None:
        """Only changes are told."""
        checker = Hysteresis(1, 2)
        told = [
            checker.take(CheckRecord(0.0, ok, 0.0)) for ok in (True, True, False, False)
        ]
        self.assertEqual(told, [True, False, False, True])

    def test_history(self) -> None:
        """Only the last results are kept."""
        checker = Hysteresis(3, 2)
        feed(checker, "+" * (HISTORY + 5))
        self.assertEqual(len(checker.history), HISTORY)
        self.assertEqual(checker.last, CheckRecord(HISTORY + 4.0, True, 0.1))

    def test_restore(self) -> None:
        """A saved state holds until the first result, which decides alone."""
        checker = Hysteresis(3, 2)
        checker.restore(True, 5.0, "")
        self.assertIs(checker.up, True)
        self.assertEqual(feed(checker, "-"), "D")
        checker.restore(True, 5.0, "")
        self.assertIs(checker.up, False)

    def test_restored_same(self) -> None:
        """A first result that agrees with the saved state changes nothing."""
        checker = Hysteresis(3, 2)
        checker.restore(False, 5.0, "old")
        feed(checker, "-")
        self.assertEqual((checker.up, checker.since), (False, 5.0))

    @given(st.text("+-", min_size=1), st.integers(1, 5), st.integers(1, 5))
    def test_runs(self, results: str, rise: int, fall: int) -> None:
        """A change comes with a run of just that length before it."""
        states = feed(Hysteresis(rise, fall), results)
        self.assertEqual(states[0], "U" if results[0] == "+" else "D")
        for place in range(1, len(results)):
            if states[place] != states[place - 1]:
                sign, needed = ("+", rise) if states[place] == "U" else ("-", fall)
                run = results[place - needed + 1 : place + 1]
                self.assertEqual(run, sign * needed)
        for run_up in range(rise, len(results)):
            if results[run_up - rise + 1 : run_up + 1] == "+" * rise:
                self.assertEqual(states[run_up], "U")
