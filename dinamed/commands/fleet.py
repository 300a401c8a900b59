"""`dinamed fleet status`: the servers that answer as one, as one of them sees it."""

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
from dinamed.commands.status import duration

HELP = "show the servers that answer as one: who is live, and how far behind"
ADDRESS = "/api/v1/fleet"
ALMOST_FULL = 0.8
"""Share of its quota from which on the store is in need of help."""

STEP = 0.25
"""Seconds between two looks whether the others know of an order."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("what", metavar="status", choices=["status"])
    parser.add_argument("--json", action="store_true", help="for programs")
    add_remote_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what a server knows of the fleet; 1 if it can't be asked."""
    try:
        told = remote_of(arguments).get(ADDRESS)
    except RemoteError as error:
        return complain(error)
    if arguments.json:
        print(json.dumps(told, indent=2))
        return 0
    print("\n".join(lines(told, time.time())))
    return 0


def lines(told: dict[str, Any], now: float) -> list[str]:
    """The status in words, a line for each server."""
    since = duration(max(0, round(now - told["since"])))
    found = [f"{told['mode']} since {since}: {told['why']}"]
    store = told["store"]
    if store:
        facts = ", ".join(f"{key} {value}" for key, value in store.items())
        found.append(f"store: {facts}, revision {told['revision']}")
        found += _space(told["sizes"])
    if told["isolated"]:
        found.append("this server sees more down than the others do, and abstains")
    if told["waiting"]:
        found.append(f"orders that the store does not know of yet: {told['waiting']}")
    width = max(len(one["server"]) for one in told["servers"])
    for one in told["servers"]:
        found.append(f"  {one['server']:{width}}  {_words(one)}")
    for at, text in told["conflicts"]:
        if now - at < 3600:
            ago = duration(max(0, round(now - at)))
            found.append(f"{ago} ago an order was overruled: {text}")
    return found


def _words(one: dict[str, Any]) -> str:
    words = [one["region"] or "-", "live" if one["live"] else "not heard of"]
    if one["self"]:
        words.append("this server")
    if one["lag"] is not None:
        words.append(f"lag {one['lag']:.1f} s")
    if not one["self"]:
        words.append(f"clock {one['clock_offset']:+.1f} s")
    if one["heard"] is not None:
        words.append(f"heard {one['heard']:.0f} s ago")
    words.append(f"every {one['interval']:g} s")
    if one["pools_differ"]:
        words.append("other config of " + ", ".join(one["pools_differ"]))
    if one["keys_differ"]:
        words.append("other keys of " + ", ".join(one["keys_differ"]))
    return ", ".join(words)


def _space(sizes: dict[str, int]) -> list[str]:
    if "size" not in sizes:
        return []
    text = f"its database has {sizes['size'] / 1e6:.1f} MB"
    if quota := sizes.get("quota"):
        text += f" of {quota / 1e6:.0f} MB"
        if sizes["size"] > ALMOST_FULL * quota:
            text += ", almost full: compact and defragment it"
    return [text]


def wait_until_seen(remote: Remote, outcome: dict[str, Any]) -> dict[str, Any]:
    """Wait until all live servers know of an order, for two intervals at most.

    Raises `RemoteError`.
    """
    revision, began = outcome["revision"], time.monotonic()
    while revision is not None and outcome["seen"] < outcome["servers"]:
        time.sleep(STEP)
        told = remote.get(ADDRESS)
        live = [one for one in told["servers"] if one["live"]]
        outcome = {
            "revision": revision,
            "seen": sum(one["self"] or one["seen"] >= revision for one in live),
            "servers": len(live),
        }
        if time.monotonic() - began > 2 * told["servers"][0]["interval"]:
            break
    return outcome


def tell_seen(outcome: dict[str, Any]) -> None:
    """Print how far an order has come, where there is a fleet."""
    if outcome["revision"] is not None:
        print(
            f"taken by the fleet at revision {outcome['revision']}, "
            f"seen by {outcome['seen']} of {outcome['servers']}"
        )
    elif outcome["servers"] > 1:
        print("here only: the store can't be reached; the fleet will be told later")
