"""The outcome as a picture.  Needs matplotlib, which is imported only here."""

from collections.abc import Sequence
from importlib import import_module
from math import ceil
from pathlib import Path
from typing import Any

from dinamed.simulator.figures import BUSY, busiest
from dinamed.simulator.model import STEP, Trace
from dinamed.simulator.servers import name

KINDS = (".png", ".svg", ".pdf")
MISSING = "a chart needs matplotlib: pip install 'dinamed[plot]'"
COLUMNS = 3
POINTS = 720
"""Values of a line; each is the mean of as many seconds as needed."""
ROUND_TRIP_POINTS = 120
"""The same for round trips, of which there are few in a second."""


class NoChartError(Exception):
    """The chart can't be drawn; the message says why."""


def require(path: str) -> None:
    """Make sure that a chart can be drawn into that file, before time is spent.

    @raise NoChartError: there is no matplotlib, or the file can't be written.
    """
    if Path(path).suffix.lower() not in KINDS:
        raise NoChartError(f"{path}: a chart's name ends in {', '.join(KINDS)}")
    if not Path(path).absolute().parent.is_dir():
        raise NoChartError(f"{path}: there is no such folder")
    _figure_class()


def draw(traces: Sequence[Trace], path: str) -> None:
    """Draw the busiest mirror of every policy, and all mirrors of each.

    In a world, the mean round trip under every policy too.

    @raise NoChartError: there is no matplotlib, or the file can't be written.
    """
    rows = ceil(len(traces) / COLUMNS)
    wide = 1 if traces[0].rtt is None else 2
    figure = _figure_class()(figsize=(12, 4 * wide + 2.2 * rows), layout="constrained")
    heights = [2] * wide + [1] * rows
    grid = figure.add_gridspec(rows + wide, COLUMNS, height_ratios=heights)
    first = figure.add_subplot(grid[0, :])
    first.set_title("Utilisation of the busiest mirror")
    for number, trace in enumerate(traces):
        _line(first, busiest(trace), trace.policy.name, f"C{number}")
    _utilisation(first, traces[0])
    first.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    if wide > 1:
        _round_trips(figure.add_subplot(grid[1, :]), traces)
    for number, trace in enumerate(traces):
        axes = figure.add_subplot(grid[wide + number // COLUMNS, number % COLUMNS])
        axes.set_title(f"All mirrors: {trace.policy.name}", fontsize="medium")
        for mirror, series in enumerate(trace.utilisation):
            _line(axes, series, name(mirror), f"C{mirror}")
        _utilisation(axes, trace)
    if len(traces[0].utilisation) <= 10:
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=10)
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise NoChartError(f"{path}: can't write: {error.strerror}") from None


def _round_trips(axes: Any, traces: Sequence[Trace]) -> None:
    """The mean round trip of the transfers that begin, in ms, by policy."""
    axes.set_title("Mean round trip of new transfers")
    for number, trace in enumerate(traces):
        begun, waited = trace.ways
        width = max(1, ceil(len(begun) / ROUND_TRIP_POINTS))
        starts = range(0, len(begun) - width + 1, width)
        minutes = [(start + width / 2) * STEP / 60 for start in starts]
        means = [
            sum(waited[start : start + width])
            / max(1.0, sum(begun[start : start + width]))
            for start in starts
        ]
        label = trace.policy.name
        axes.plot(minutes, means, label=label, color=f"C{number}", linewidth=0.9)
    _dress(axes, traces[0])
    axes.set_ylim(bottom=0)
    axes.set_ylabel("ms")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _line(axes: Any, series: Sequence[float], label: str, colour: str) -> None:
    """One line, in minutes, thinned out to what can be seen."""
    width = max(1, ceil(len(series) / POINTS))
    starts = range(0, len(series) - width + 1, width)
    minutes = [(start + width / 2) * STEP / 60 for start in starts]
    means = [sum(series[start : start + width]) / width for start in starts]
    axes.plot(minutes, means, label=label, color=colour, linewidth=0.9)


def _utilisation(axes: Any, trace: Trace) -> None:
    """The axes of utilisations, with the line of 90 %."""
    _dress(axes, trace)
    axes.axhline(BUSY, color="black", linewidth=0.8, linestyle=":")
    axes.set_ylim(0, 2)


def _dress(axes: Any, trace: Trace) -> None:
    """Axes, the warm-up, and what was done to the mirrors."""
    scenario = trace.scenario
    axes.axvspan(0, scenario.warm_up / 60, color="0.93", linewidth=0)
    for span in (*scenario.outages, *scenario.silences, scenario.crowd):
        if span is not None:
            axes.axvspan(span.start / 60, span.end / 60, color="#f6e3c5", linewidth=0)
    axes.set_xlim(0, scenario.end / 60)
    axes.set_xlabel("minutes")


def _figure_class() -> Any:
    try:
        # The class itself, not pyplot: no window system is asked for.
        return import_module("matplotlib.figure").Figure
    except ImportError:
        raise NoChartError(MISSING) from None
