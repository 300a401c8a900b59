"""The outcome as text, line by line, and as JSON."""

from collections.abc import Iterable

import msgspec

from dinamed.simulator.figures import Figures
from dinamed.simulator.scenario import Scenario

Row = dict[str, object]


def title(scenario: Scenario) -> str:
    """The scenario in two lines."""
    ttl = scenario.ttl
    cached = str(ttl.low) if ttl.low == ttl.high else f"{ttl.low}-{ttl.high}"
    servers = scenario.servers
    sharing = ""
    if servers > 1 and scenario.share:
        sharing = f" that share every {scenario.share:g} s"
    return (
        f"{len(scenario.capacities)} mirrors of {scenario.total:g} in all, "
        f"{scenario.offered:.0%} offered by {scenario.arrival_rate:.2f} transfers/s, "
        f"each {scenario.flow:g} for {scenario.duration:g} s\n"
        f"{scenario.resolvers} resolvers, TTL {cached} s, "
        f"{servers} name server{'s' if servers > 1 else ''}{sharing}, "
        f"reports every {scenario.report_interval:g} s; "
        f"seed {scenario.seed}, {scenario.measure:g} s "
        f"after {scenario.warm_up:g} s of warm-up"
    )


def heading(scenario: Scenario, width: int) -> str:
    """The head of the table; `width` is that of the policies' names."""
    line = f"{'policy':{width}}  under 90 %   mean  98 %    q/s"
    if scenario.world is not None:
        line += "  round trip  of optimum"
    if scenario.outages:
        line += "  failed   peak  balanced   again  overshoot"
    return line


def row(figures: Figures, width: int) -> list[str]:
    """The lines of one policy: one, and one more for each outage after the first."""
    line = (
        f"{figures.policy:{width}}  {figures.under90:>10.1%}  {figures.mean:5.2f}"
        f" {figures.q98:5.2f}  {figures.qps:5.2f}"
    )
    if figures.rtt is not None:
        line += f"  {figures.rtt:>7.1f} ms  {_times(figures):>10}"
    if not figures.outages:
        return [line]
    line += f"  {figures.failed:6.1%}"
    lines = []
    for outage in figures.outages:
        lines.append(
            f"{line}  {outage.peak:5.2f}  {_seconds(outage.balanced):>8}"
            f"  {_seconds(outage.rebalanced):>6}  {outage.overshoot:>9.0%}"
        )
        line = " " * len(line)
    return lines


def notes(scenario: Scenario) -> str:
    """The legend of the columns."""
    text = (
        "under 90 %: share of time in which the busiest mirror is under 90 % of its\n"
        "capacity; mean, 98 %: mean and 98 % quantile of the busiest one's utilisation"
    )
    if scenario.world is not None:
        text += (
            "\nround trip: mean of all transfers; of optimum: as a multiple of the best"
            "\nthere could be, the linear programme at 85 % of each capacity"
        )
    if scenario.outages:
        text += (
            "\nfailed: transfers that had to begin anew; peak: the busiest at its worst"
            "\nafter the outage began; balanced, again: time until it is within 15 % of"
            "\nthe mean of all, after the mirror died, and after it came back;"
            "\novershoot: how far the mirror that came back went above that mean"
        )
    return text


def as_json(outcome: Iterable[Figures]) -> str:
    """The figures as a list of objects; `outages` only where there are any."""
    return msgspec.json.format(
        msgspec.json.encode([_object(one) for one in outcome]), indent=2
    ).decode()


def _object(one: Figures) -> Row:
    found: Row = {
        "policy": one.policy,
        "under90": round(one.under90, 6),
        "mean": round(one.mean, 6),
        "q98": round(one.q98, 6),
        "qps": round(one.qps, 6),
    }
    if one.rtt is not None:
        best = one.rtt_optimum
        found["rtt"] = round(one.rtt, 3)
        found["rtt_optimum"] = None if best is None else round(best, 3)
    if one.outages:
        found["failed"] = round(one.failed, 6)
        found["outages"] = one.outages
    return found


def _times(figures: Figures) -> str:
    if figures.rtt is None or figures.rtt_optimum is None:
        return "-"
    return f"{figures.rtt / figures.rtt_optimum:.2f}"


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} s"
