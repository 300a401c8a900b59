"""Tests of L{dinamed.load.push}."""

import math
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from dinamed.load.push import MAX_ITEMS, PushReceiver
from dinamed.pools.report import Report, make_report

NOW = 1000.0


class Sink:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, str, Report]] = []
        self.failures: list[tuple[str, str, str]] = []

    def report(self, pool: str, member: str, report: Report, *, now: float) -> bool:
        """Keep a report; those older than 500 are too old for `two`."""
        if pool == "two" and report.at < 500:
            return False
        self.reports.append((pool, member, report))
        return True

    def feed_failed(self, pool: str, member: str, reason: str, *, now: float) -> None:
        """Keep a failure."""
        self.failures.append((pool, member, reason))


class PushTests(SynchronousTestCase):
    """Two pools, of which both have the member `b`."""

    def setUp(self) -> None:
        """Make the feed."""
        self.sink = Sink()
        self.feed = PushReceiver(self.sink, {"one": ["a", "b"], "two": ["b", "c"]})

    def places(self) -> list[tuple[str, str]]:
        """Where reports have gone."""
        return [(pool, member) for pool, member, _ in self.sink.reports]

    def push(self, *items: dict[str, Any]) -> dict[int, str]:
        """Push a list."""
        return self.feed.push(list(items), NOW)

    def test_all_values(self) -> None:
        """A report keeps all that it says."""
        item = {"member": "a", "load": 3, "capacity": 10, "increment": 0.5, "at": 990}
        self.assertEqual(self.feed.push(item, NOW), {})
        expected = make_report(
            3, now=NOW, source="push", at=990, capacity=10, increment=0.5
        )
        self.assertEqual(self.sink.reports, [("one", "a", expected)])

    def test_pools(self) -> None:
        """All pools with the member are meant, or the one that is named."""
        self.push({"member": "b", "load": 1})
        self.assertEqual(self.places(), [("one", "b"), ("two", "b")])
        self.sink.reports.clear()
        self.push(
            {"member": "b", "load": 1, "pool": "two"},
            {"member": "b", "load": 2, "pool": "one"},
        )
        self.assertEqual(self.places(), [("two", "b"), ("one", "b")])

    def test_problems(self) -> None:
        """Each bad item has its reason, and disturbs no other."""
        bad: list[tuple[object, str]] = [
            ({"member": "x", "load": 1}, 'no pool takes reports of a member "x"'),
            ({"member": 7, "load": 1}, "member is not a name: 7"),
            ({"load": 1}, "member is not a name: nothing"),
            ({"member": "a"}, "load is not a number: nothing"),
            ({"member": "a", "load": "1"}, 'load is not a number: "1"'),
            ({"member": "a", "load": math.nan}, "load is not a number: NaN"),
            ({"member": "a", "load": -1}, "load is negative: -1"),
            ({"member": "a", "load": 1, "at": 2000}, "at is 1000 s in the future"),
            ({"member": "a", "load": 1, "at": "now"}, 'at is not a number: "now"'),
            ({"member": "a", "load": 1, "capacity": []}, "capacity is not a number"),
            ({"member": "a", "load": 1, "lod": 1}, 'unknown key "lod"'),
            (
                {"member": "a", "load": 1, "pool": "two"},
                'no pool "two" takes reports of "a"',
            ),
            ({"member": "a", "load": 1, "pool": [1]}, "no pool a list takes"),
            ("a", 'expected a table, got "a"'),
            (None, "expected a table, got nothing"),
        ]
        items = [item for item, _ in bad]
        problems = self.feed.push([*items, {"member": "a", "load": 1}], NOW)
        self.assertEqual(self.places(), [("one", "a")])
        self.assertEqual(list(problems), list(range(len(bad))))
        told = [why for pool, member, why in self.sink.failures]
        self.assertEqual({"load is negative: -1"} & set(told), {"load is negative: -1"})
        self.assertEqual({place[:2] for place in self.sink.failures}, {("one", "a")})
        for index, (_, words) in enumerate(bad):
            self.assertIn(words, problems[index])

    def test_twice(self) -> None:
        """The first report of a member in a message counts."""
        problems = self.push(
            {"member": "b", "load": 1},
            {"member": "b", "load": 2},
            {"member": "b", "load": 3, "pool": "two"},
        )
        self.assertEqual(list(problems), [1, 2])
        self.assertEqual(problems[1], 'a second report of "b"')
        self.assertEqual([report.load for _, _, report in self.sink.reports], [1, 1])

    def test_old(self) -> None:
        """A report that no pool wants any more is told; one that any takes is not."""
        problems = self.push(
            {"member": "c", "load": 1, "at": 400}, {"member": "b", "load": 1, "at": 400}
        )
        self.assertEqual(problems, {0: 'older than the last report of "c"'})
        self.assertEqual(self.places(), [("one", "b")])

    def test_no_list(self) -> None:
        """What is no report at all is refused as a whole."""
        whole: tuple[object, ...] = (None, 3, "a", [{}] * (MAX_ITEMS + 1))
        for items in whole:
            self.assertRaises(ValueError, self.feed.push, items, NOW)

    def test_reconfigure(self) -> None:
        """Other pools take the place of the present ones."""
        self.feed.reconfigure({"new": ["a"]})
        self.push({"member": "a", "load": 1}, {"member": "b", "load": 1})
        self.assertEqual(self.places(), [("new", "a")])
