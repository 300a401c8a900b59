"""`dinamed simulate`: how the load would spread."""

import argparse
import sys
from collections.abc import Iterator

from dinamed.simulator import chart, flags, scenario_file, table
from dinamed.simulator.figures import Figures, figures
from dinamed.simulator.model import Trace, simulate
from dinamed.simulator.optimum import optimum
from dinamed.simulator.policies import chosen
from dinamed.simulator.scenario import Scenario


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "scenario",
        metavar="SCENARIO",
        nargs="?",
        default=scenario_file.DEFAULT,
        help="name of a scenario (see --list) or path of a file (default: steady)",
    )
    parser.add_argument(
        "--list", action="store_true", help="list the scenarios that come with dinamed"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, not a table")
    parser.add_argument(
        "--plot", metavar="FILE", help="draw a chart too: FILE.png, .svg or .pdf"
    )
    flags.add_flags(parser.add_argument_group("in place of what the scenario says"))


def run(arguments: argparse.Namespace) -> int:
    """Run every policy and print its figures.

    0; 1 if the scenario is not usable or there can be no chart; 2 for a wrong flag.
    """
    if arguments.list:
        return _list()
    try:
        scenario = scenario_file.load(arguments.scenario)
        scenario = flags.with_flags(scenario, arguments)
        if arguments.plot is not None:
            chart.require(arguments.plot)
    except scenario_file.BadScenarioError as error:
        for problem in error.problems:
            print(problem)
        return 1
    except flags.BadFlagError as error:
        for message in error.messages:
            print(f"dinamed simulate: {message}", file=sys.stderr)
        return 2
    except chart.NoChartError as error:
        print(f"dinamed simulate: {error}", file=sys.stderr)
        return 1
    return _simulate(scenario, arguments.json, arguments.plot)


def _simulate(scenario: Scenario, json: bool, plot: str | None) -> int:
    traces: list[Trace] = []
    if json:
        print(table.as_json([one for _, one in _outcomes(scenario, traces, plot)]))
    else:
        _print_table(scenario, _outcomes(scenario, traces, plot))
    if plot is not None:
        try:
            chart.draw(traces, plot)
        except chart.NoChartError as error:
            print(f"dinamed simulate: {error}", file=sys.stderr)
            return 1
    return 0


def _outcomes(
    scenario: Scenario, traces: list[Trace], plot: str | None
) -> Iterator[tuple[Trace, Figures]]:
    """Run one policy after the other; the traces are kept for a chart only."""
    best = optimum(scenario)
    for policy in chosen(scenario):
        trace = simulate(scenario, policy)
        if plot is not None:
            traces.append(trace)
        yield trace, figures(trace, best)


def _print_table(scenario: Scenario, outcomes: Iterator[tuple[Trace, Figures]]) -> None:
    """Print the table row by row, for a run takes seconds."""
    width = max(len(policy.name) for policy in chosen(scenario))
    width = max(width, len("policy"))
    print(table.title(scenario))
    print()
    print(table.heading(scenario, width), flush=True)
    for _, one in outcomes:
        for line in table.row(one, width):
            print(line, flush=True)
    print()
    print(table.notes(scenario))


def _list() -> int:
    names = list(scenario_file.shipped())
    width = max(map(len, names))
    for name in names:
        print(f"{name:{width}}  {scenario_file.load(name).about}")
    return 0
