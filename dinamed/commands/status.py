"""`dinamed status`: what a running server does, and how its members are."""

import argparse
import json
import time
from typing import Any

from dinamed.commands.remote import (
    Remote,
    RemoteError,
    add_remote_arguments,
    complain,
    remote_of,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("pool", nargs="?", help="only this pool")
    parser.add_argument("--json", action="store_true", help="for programs")
    add_remote_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print it; 0, or 1 if the server could not tell."""
    try:
        remote = remote_of(arguments)
        told = gather(remote, arguments.pool)
    except RemoteError as error:
        return complain(error)
    if arguments.json:
        print(json.dumps(told, indent=2))
        return 0
    if arguments.pool is None:
        print_server(told["status"])
    for pool in told["pools"]:
        print_pool(pool, time.time())
    return 0


def gather(remote: Remote, pool: str | None) -> dict[str, Any]:
    """The status of the server, and of its pools or of the one named."""
    status = remote.get("/api/v1/status")
    names = [pool] if pool else [summary["name"] for summary in status["pools"]]
    return {
        "status": status,
        "pools": [remote.get(f"/api/v1/pools/{name}") for name in names],
    }


def print_server(status: dict[str, Any]) -> None:
    """Print what the server says of itself."""
    print(
        f"{status['identity']}: dinamed {status['version']} ({status['engine']}), "
        f"up {duration(status['up'])}, {status['questions']} questions"
    )
    for zone in status["zones"]:
        print(f"zone {zone['name']} serial {zone['serial']}, {zone['records']} records")


def print_pool(pool: dict[str, Any], now: float) -> None:
    """Print a pool's members as a table, best first."""
    down = f", {pool['lacking']}: {pool['when_down']}" if pool["down"] else ""
    for family in () if down else pool["families_down"]:
        down += f", no usable {family} address: {pool['when_down']}"
    print(f"pool {pool['name']} ({', '.join(pool['select'])}){down}")
    rows = [("STATE", "WEIGHT", "LOAD", "HANDOUTS", "NAME", "")]
    for member in pool["members"]:
        load = "-" if member["load"] is None else f"{member['load']:g}"
        rows.append(
            (
                member["state"],
                f"{member['weight']:g}",
                load,
                str(member["hand_outs"]),
                member["name"],
                _remark(member, now),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        print("  " + "  ".join(cells).rstrip())


def _remark(member: dict[str, Any], now: float) -> str:
    parts = [member["reason"]] if member["reason"] else []
    if member["order"] == "up":
        parts.append("up by order")
    parts += (f"{one} is out: {why}" for one, why in member["addresses_out"].items())
    if member["feed_failure"]:
        parts.append(f"no load: {member['feed_failure']}")
    if member["until"] is not None:
        parts.append(f"for {duration(member['until'] - now)} more")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """A span of time in its two largest units: `2h05m`."""
    left = max(0, round(seconds))
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    for place, (unit, size) in enumerate(units):
        if left >= size and place < len(units) - 1:
            smaller, step = units[place + 1]
            return f"{left // size}{unit}{left % size // step:02d}{smaller}"
    return f"{left}s"
