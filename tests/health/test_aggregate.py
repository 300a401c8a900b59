"""From the states of targets to a verdict on their member."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.combined import CheckRule
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

    def test_rules(self) -> None:
        """Any, so many, not, and rules in rules; by address."""
        any_of, two = CheckRule(1, (0, 1)), CheckRule(2, (0, 1, 2))
        no = CheckRule(checks=(0,), negated=True)
        either = CheckRule(1, (1,), (no,))
        table: list[tuple[CheckRule, list[str], bool | None]] = [
            (any_of, ["+", "-"], True),
            (any_of, ["-", "-"], False),
            (any_of, ["-", "?"], None),
            (any_of, ["+", "?"], True),
            (any_of, ["+-", "--"], True),
            (two, ["+", "-", "+"], True),
            (two, ["+", "-", "-"], False),
            (two, ["+", "-", "?"], None),
            (two, ["?", "-", "-"], False),
            (no, ["+"], False),
            (no, ["-"], True),
            (no, ["?"], None),
            (either, ["+", "+"], True),
            (either, ["+", "-"], False),
            (either, ["-", "-"], True),
        ]
        for rule, checks, healthy in table:
            found = aggregate(states(*checks), rule)
            self.assertIs(found.healthy, healthy, (rule, checks))
        found = aggregate(states("+-", "--"), any_of)
        self.assertEqual(found.failing, (("a1", "c0 a1: dead; c1 a1: dead"),))
        self.assertEqual(aggregate(states("+", "-"), any_of).reason, "")
        self.assertEqual(aggregate(states("+"), no).reason, "c0 a0 passes")

    def test_shared(self) -> None:
        """What all addresses share counts for each, and for a member without any."""
        down = [finding("pool db", "-", "")]
        self.assertEqual(aggregate([down]), HealthVerdict(False, "pool db: dead"))
        self.assertEqual(aggregate([[finding("c", "+")], down]).healthy, False)
        any_of = CheckRule(1, (0, 1))
        self.assertEqual(aggregate([[finding("c", "+")], down], any_of).healthy, True)
        self.assertEqual(aggregate([[], down], any_of).healthy, False)
        up = [finding("pool db", "+", "")]
        self.assertEqual(aggregate([[finding("c", "-")], up], any_of).failing, ())

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
