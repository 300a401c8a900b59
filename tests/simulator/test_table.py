"""Tests of the outcome as text and as JSON."""

import json

from twisted.trial.unittest import SynchronousTestCase

from dinamed.simulator.figures import Aftermath, Figures
from dinamed.simulator.scenario import Outage, Scenario
from dinamed.simulator.table import as_json, heading, notes, row, title

PLAIN = Figures("weighted", 0.5, 0.9, 1.25, 2.41, 0.0)
ROUGH = Figures(
    "hash",
    0.5,
    0.9,
    1.25,
    2.41,
    0.012,
    (Aftermath(1, 1.1, None, 83.0, 0.03), Aftermath(2, 1.0, 0.0, 5.0, 0.0)),
)


class TableTests(SynchronousTestCase):
    """The table."""

    def test_plain(self) -> None:
        """One row a policy, in the columns of the head."""
        self.assertEqual(
            [heading(Scenario(), 8), *row(PLAIN, 8)],
            [
                "policy    under 90 %   mean  98 %    q/s",
                "weighted       50.0%   0.90  1.25   2.41",
            ],
        )

    def test_outages(self) -> None:
        """One line for each outage."""
        scenario = Scenario(outages=(Outage(member=1, start=1.0, end=2.0),))
        head, *lines = heading(scenario, 8), *row(ROUGH, 8)
        self.assertEqual(
            [line[41:] for line in (head, *lines)],
            [
                " failed   peak  balanced   again  overshoot",
                "   1.2%   1.10     never    83 s         3%",
                "          1.00       0 s     5 s         0%",
            ],
        )
        self.assertIn("overshoot", notes(scenario))
        self.assertNotIn("overshoot", notes(Scenario()))

    def test_title(self) -> None:
        """The scenario in words."""
        text = title(Scenario(servers=2))
        self.assertIn("8 mirrors of 50 in all, 70% offered by 5.83 transfers/s", text)
        self.assertIn("2 name servers", text)


class JsonTests(SynchronousTestCase):
    """The JSON."""

    def test_plain(self) -> None:
        """Five keys."""
        (found,) = json.loads(as_json([PLAIN]))
        expected = {
            "policy": "weighted",
            "under90": 0.5,
            "mean": 0.9,
            "q98": 1.25,
            "qps": 2.41,
        }
        self.assertEqual(found, expected)

    def test_outages(self) -> None:
        """With outages what became of them, too."""
        (found,) = json.loads(as_json([ROUGH]))
        self.assertEqual(found["failed"], 0.012)
        first = {
            "member": 1,
            "peak": 1.1,
            "balanced": None,
            "rebalanced": 83.0,
            "overshoot": 0.03,
        }
        self.assertEqual(found["outages"][0], first)
