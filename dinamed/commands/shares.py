"""Which share of many clients goes to which member: `dinamed explain --clients`."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module

from dinamed.plans.engine import Engine
from dinamed.plans.explain import ClientNetwork, chosen
from dinamed.pools.recorder import Event, Picked
from dinamed.simulator.chart import NoChartError, require
from dinamed.wire.names import WireName

MOST = 1_000_000
"""Clients in one file."""
NOWHERE = "??"

Shares = Mapping[str, Mapping[str, float]]
"""By country and then by member, in clients."""


class BadClientsError(Exception):
    """The file can't be used; the message says why."""


def read_clients(path: str) -> list[ClientNetwork]:
    """One address or network a line; `#` begins a comment.

    Raises `BadClientsError`.
    """
    found: list[ClientNetwork] = []
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                text = line.partition("#")[0].strip()
                if not text:
                    continue
                try:
                    found.append(ipaddress.ip_network(text, strict=False))
                except ValueError as error:
                    raise BadClientsError(f"{path}:{number}: {error}") from None
                if len(found) > MOST:
                    raise BadClientsError(f"{path}: more than {MOST} clients")
    except (OSError, UnicodeDecodeError) as error:
        raise BadClientsError(f"{path}: {error}") from None
    if not found:
        raise BadClientsError(f"{path}: no clients in it")
    return found


def shares(
    engine: Engine, name: WireName, rrtype: int, clients: Iterable[ClientNetwork]
) -> dict[str, dict[str, float]]:
    """How many clients of each country go to which member.

    Where a stage draws by known odds each candidate gets its part of the client.
    Clients that get no member of a pool are counted for the member "".
    """
    found: dict[str, dict[str, float]] = {}
    for client in clients:
        country, events = chosen(engine, name, rrtype, client)
        row = found.setdefault(country or NOWHERE, {})
        for member, part in _parts(events).items():
            row[member] = row.get(member, 0.0) + part
    return found


def _parts(events: Sequence[Event]) -> Mapping[str, float]:
    picks = [event for event in events if isinstance(event, Picked)]
    if not picks:
        return {"": 1.0}
    # The first is that of the pool that the name is bound to.
    pick = picks[0]
    if pick.odds:
        return dict(zip(pick.candidates, pick.odds, strict=True))
    return {member: 1 / len(pick.picked) for member in pick.picked} or {"": 1.0}


def table(found: Shares) -> list[str]:
    """A line for each country, the one with most clients first, then for all."""
    whole: dict[str, float] = {}
    for row in found.values():
        for member, number in row.items():
            whole[member] = whole.get(member, 0.0) + number
    members = sorted(whole, key=lambda member: -whole[member])
    names = [member or "(none)" for member in members]
    widths = [max(7, len(name)) for name in names]
    head = "".join(
        f"  {name:>{width}}" for name, width in zip(names, widths, strict=True)
    )
    lines = [f"{'country':8}{'clients':>9}{head}"]
    ordered = sorted(found.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    for country, row in [*ordered, ("all", whole)]:
        number = sum(row.values())
        cells = "".join(
            f"  {row.get(member, 0) / number:>{width}.1%}"
            for member, width in zip(members, widths, strict=True)
        )
        lines.append(f"{country:8}{round(number):>9}{cells}")
    return lines


def as_json(found: Shares) -> dict[str, dict[str, float]]:
    """Clients by country and member."""
    return {
        country: {member: round(number, 6) for member, number in row.items()}
        for country, row in sorted(found.items())
    }


def plot(found: Shares, path: str) -> None:
    """Draw a bar for each country.  Raises `NoChartError`."""
    require(path)
    figure_class = import_module("matplotlib.figure").Figure
    countries = sorted(found, key=lambda country: sum(found[country].values()))
    members = sorted({member for row in found.values() for member in row})
    figure = figure_class(
        figsize=(9, 1.5 + 0.35 * len(countries)), layout="constrained"
    )
    axes = figure.subplots()
    left = [0.0] * len(countries)
    for member in members:
        widths = [found[country].get(member, 0) for country in countries]
        axes.barh(countries, widths, left=left, label=member or "(none)")
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.set_xlabel("clients")
    axes.legend()
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise NoChartError(f"{path}: {error}") from None
