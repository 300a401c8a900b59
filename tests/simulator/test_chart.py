"""Tests of charts.  They are drawn only where matplotlib is installed."""

import os
import sys
from importlib.util import find_spec

from msgspec.structs import replace

from dinamed.simulator.chart import MISSING, NoChartError, draw, require
from dinamed.simulator.world import World
from tests.config.folder import FolderTestCase
from tests.simulator.support import small, trace_of

HAVE = find_spec("matplotlib") is not None


class RequireTests(FolderTestCase):
    """What is looked at before time is spent."""

    def test_missing(self) -> None:
        """Without matplotlib the message says how to get it."""
        self.patch(sys, "modules", {**sys.modules, "matplotlib.figure": None})
        path = os.path.join(self.folder, "a.png")
        error = self.assertRaises(NoChartError, require, path)
        self.assertEqual(str(error), MISSING)

    def test_names(self) -> None:
        """The name must be of a kind that can be drawn, in a folder that is there."""
        error = self.assertRaises(NoChartError, require, "a.txt")
        self.assertEqual(str(error), "a.txt: a chart's name ends in .png, .svg, .pdf")
        path = os.path.join(self.folder, "none", "a.png")
        error = self.assertRaises(NoChartError, require, path)
        self.assertEqual(str(error), f"{path}: there is no such folder")


class DrawTests(FolderTestCase):
    """Drawing."""

    if not HAVE:
        skip = "matplotlib is not installed"

    def test_draw(self) -> None:
        """An SVG with a panel for each policy."""
        path = os.path.join(self.folder, "a.svg")
        scenario = small(measure=60.0, warm_up=0.0)
        draw([trace_of(scenario), trace_of(scenario, "hash")], path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("All mirrors: weighted", text)
        self.assertIn("All mirrors: hash", text)

    def test_round_trips(self) -> None:
        """In a world they have a panel of their own."""
        path = os.path.join(self.folder, "a.svg")
        scenario = replace(
            small(measure=60.0, warm_up=0.0),
            world=World(mirrors=("DE", "US"), resolvers=("DE 5 10 90", "US 5 90 10")),
            capacities=(10.0, 10.0),
            resolvers=2,
        )
        draw([trace_of(scenario, "spill")], path)
        with open(path, encoding="utf-8") as file:
            self.assertIn("Mean round trip of new transfers", file.read())

    def test_unwritable(self) -> None:
        """A folder is no file."""
        path = os.path.join(self.folder, "a.png")
        os.mkdir(path)
        error = self.assertRaises(NoChartError, draw, [trace_of(small())], path)
        self.assertIn("can't write", str(error))
