"""From the states of targets to a verdict on their member."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.health.aggregate import Finding, HealthVerdict, aggregate
from dinamed.health.hysteresis import CheckRecord, Hysteresis


def finding(label: str, state: str, address: str = "a0") -> Finding:
    """A finding: `+`, `-` or `?`; `!` if it can't be looked at for a lack of ours."""
    checker = Hysteresis(1, 1)
    if state == "!":
        checker.lack("no route for IPv6")
    elif state != "?":
        checker.take(
            CheckRecord(0.0, state == "+", 0.0, "" if state == "+" else "dead")
        )
    return Finding(label, checker, address)


def states(*checks: str) -> list[list[Finding]]:
    """Findings for checks, each with the states of the addresses."""
    return [
        [
            finding(f"c{number} a{place}", state, f"a{place}")
            for place, state in enumerate(check)
        ]
        for number, check in enumerate(checks)
    ]


class JudgeTests(SynchronousTestCase):
    """The rule."""

    def test_table(self) -> None:
        """Any address will do, and one needs all checks."""
        table: list[tuple[list[str], bool | None]] = [
            ([], None),
            (["+"], True),
            (["-"], False),
            (["?"], None),
            (["+-"], True),
            (["--"], False),
            (["?-"], None),
            (["+?"], True),
            (["+", "+"], True),
            (["+", "-"], False),
            (["+", "?"], None),
            (["?", "--"], False),
            (["+-", "-+"], False),
            (["+-", "++"], True),
            (["+-", "?-"], None),
            (["!"], None),
            (["!-"], False),
            (["!+"], True),
            (["!?"], None),
            (["!", "-"], False),
            (["!", "+"], None),
        ]
        for checks, healthy in table:
            self.assertIs(aggregate(states(*checks)).healthy, healthy, checks)

    def test_reason(self) -> None:
        """What fails is named, even where the member is up."""
        reason = "c0 a1: dead"
        failing = (("a1", reason),)
        self.assertEqual(aggregate(states("+-")), HealthVerdict(True, reason, failing))
        reason = "c0 a1: dead; c1 a1: dead"
        failing = (("a1", reason),)
        self.assertEqual(
            aggregate(states("+-", "+-")), HealthVerdict(True, reason, failing)
        )
        self.assertEqual(aggregate(states("?-")).failing, (("a1", "c0 a1: dead"),))
        self.assertEqual(aggregate(states("--")).failing, ())
        self.assertEqual(aggregate(states("+", "+")), HealthVerdict(True, ""))

    def test_reason_is_short(self) -> None:
        """Of many failures only the first are told in full."""
        self.assertEqual(
            aggregate(states("-----")).reason,
            "c0 a0: dead; c0 a1: dead; c0 a2: dead; and 2 more",
        )
