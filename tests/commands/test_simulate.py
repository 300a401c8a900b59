"""Tests of `dinamed simulate`."""

import contextlib
import io
import json

from dinamed.cli import main
from dinamed.simulator import chart
from dinamed.simulator.model import Trace
from dinamed.simulator.scenario_file import shipped
from tests.config.folder import FolderTestCase

SMALL = """\
about = "small"
capacities = [2, 1]
resolvers = 20
duration = 30
ttl = 20
warm_up = 100
measure = 200
policies = ["weighted", "predictive"]
"""


class SimulateTests(FolderTestCase):
    """The command line."""

    def setUp(self) -> None:
        """Write a small scenario."""
        super().setUp()
        self.scenario = self.write("small.toml", SMALL)

    def simulate(self, *argv: str) -> tuple[int | str | None, str]:
        """Exit status and what was printed."""
        with (
            contextlib.redirect_stdout(io.StringIO()) as printed,
            contextlib.redirect_stderr(printed),
        ):
            try:
                return main(["simulate", *argv]), printed.getvalue()
            except SystemExit as leave:
                return leave.code, printed.getvalue()

    def test_table(self) -> None:
        """A row for each policy."""
        status, printed = self.simulate(self.scenario)
        self.assertEqual(status, 0)
        starts = [line.split(" ")[0] for line in printed.splitlines()]
        self.assertEqual(starts[3:6], ["policy", "weighted", "predictive"])

    def test_json(self) -> None:
        """A list of objects with five keys; the same each time for the same seed."""
        status, printed = self.simulate(self.scenario, "--json", "--seed", "5")
        self.assertEqual(status, 0)
        found = json.loads(printed)
        self.assertEqual([one["policy"] for one in found], ["weighted", "predictive"])
        for one in found:
            self.assertEqual(list(one), ["policy", "under90", "mean", "q98", "qps"])
            self.assertTrue(0 <= one["under90"] <= 1)
        again = self.simulate(self.scenario, "--json", "--seed", "5")
        self.assertEqual(again, (0, printed))
        other = self.simulate(self.scenario, "--json", "--seed", "6")
        self.assertNotEqual(other, (0, printed))

    def test_shipped(self) -> None:
        """A scenario by its name, cut short by flags."""
        short = ("--warm-up", "60", "--measure", "60", "--policies", "hash")
        status, printed = self.simulate("several-servers", *short)
        self.assertEqual(status, 0)
        self.assertIn("4 name servers", printed)

    def test_list(self) -> None:
        """All shipped scenarios, and what they are about."""
        status, printed = self.simulate("--list")
        self.assertEqual(status, 0)
        names = [line.split()[0] for line in printed.splitlines()]
        self.assertEqual(names, [*shipped()])
        self.assertRegex(printed, r"(?m)^steady +eight mirrors")

    def test_bad_file(self) -> None:
        """Problems with their lines, and status 1."""
        path = self.write("bad.toml", "seed = 1\nsed = 2\n")
        self.assertEqual(
            self.simulate(path),
            (1, f'{path}:2: sed: unknown key; did you mean "seed"?\n'),
        )

    def test_bad_flag(self) -> None:
        """A wrong flag is told, with status 2."""
        self.assertEqual(
            self.simulate(self.scenario, "--servers", "0"),
            (
                2,
                "dinamed simulate: --servers: "
                "expected a whole number from 1 to 64, got 0\n",
            ),
        )

    def test_no_chart(self) -> None:
        """What keeps a chart from being drawn is told before anything runs."""
        self.assertEqual(
            self.simulate(self.scenario, "--plot", "a.txt"),
            (
                1,
                "dinamed simulate: a.txt: a chart's name ends in .png, .svg, .pdf\n",
            ),
        )

    def test_chart(self) -> None:
        """The chart gets the runs of all policies."""
        drawn: list[tuple[list[str], str]] = []

        def draw(traces: list[Trace], path: str) -> None:
            drawn.append(([trace.policy.name for trace in traces], path))

        self.patch(chart, "require", lambda path: None)
        self.patch(chart, "draw", draw)
        status, _ = self.simulate(self.scenario, "--plot", "a.png", "--json")
        self.assertEqual(status, 0)
        self.assertEqual(drawn, [(["weighted", "predictive"], "a.png")])
