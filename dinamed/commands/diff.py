"""`dinamed diff`: what a reload would change in the server that runs."""

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from dinamed.commands.remote import (
    RemoteError,
    add_remote_arguments,
    complain,
    remote_of,
)
from dinamed.commands.status import gather
from dinamed.config.check import Everything, load_all
from dinamed.config.default import default_path
from dinamed.config.settings import MemberSettings, PoolSettings
from dinamed.wire.names import to_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--json", action="store_true", help="for programs")
    add_remote_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the changes, one a line; 0, or 1 if the files or the server are no good."""
    everything = load_all(arguments.config or default_path())
    for problem in everything.problems:
        print(problem)
    if everything.settings is None:
        return 1
    try:
        told = gather(remote_of(arguments), None)
    except RemoteError as error:
        return complain(error)
    found = list(changes(everything, told))
    if arguments.json:
        print(json.dumps(found, indent=2))
    elif found:
        print("\n".join(found))
    else:
        print("no change")
    return 0


def changes(everything: Everything, told: Mapping[str, Any]) -> Iterator[str]:
    """What differs: `+` is new, `-` goes, `~` changes from what it is to another."""
    zones = {
        to_text(origin): {"serial": serial, "records": records}
        for origin, serial, records in everything.packed().figures()
    }
    served = {zone["name"]: zone for zone in told["status"]["zones"]}
    settings = everything.settings
    assert settings is not None
    fetched = {f"{zone.name.removesuffix('.')}.".lower() for zone in settings.zones}
    for name in sorted(zones.keys() - served.keys()):
        yield f"+ zone {name}"
    # With catalogs a zone that the config does not name may be a member of one.
    gone = set() if settings.catalogs else served.keys() - zones.keys() - fetched
    for name in sorted(gone):
        yield f"- zone {name}"
    for name in sorted(zones.keys() & served.keys()):
        yield from _differing(
            f"zone {name}",
            {key: served[name][key] for key in ("serial", "records")},
            zones[name],
        )
    pools = {pool.name: pool for pool in settings.pools}
    running = {pool["name"]: pool for pool in told["pools"]}
    for name in sorted(pools.keys() - running.keys()):
        yield f"+ pool {name}"
    for name in sorted(running.keys() - pools.keys()):
        yield f"- pool {name}"
    for name in sorted(pools.keys() & running.keys()):
        yield from _pool(pools[name], running[name])


def _pool(pool: PoolSettings, running: Mapping[str, Any]) -> Iterator[str]:
    where = f"pool {pool.name}"
    yield from _differing(
        where,
        {key: running[key] for key in ("ttl", "answers", "when_down", "select")},
        {
            "ttl": pool.ttl.low,
            "answers": pool.answers,
            "when_down": pool.when_down,
            "select": [stage.name for stage in pool.select],
        },
    )
    members = {member.name: member for member in pool.members}
    there = {member["name"]: member for member in running["members"]}
    for name in sorted(members.keys() - there.keys()):
        yield f"+ member {pool.name}/{name}"
    for name in sorted(there.keys() - members.keys()):
        yield f"- member {pool.name}/{name}"
    for name in sorted(members.keys() & there.keys()):
        yield from _member(f"member {pool.name}/{name}", members[name], there[name])


def _member(
    where: str, member: MemberSettings, running: Mapping[str, Any]
) -> Iterator[str]:
    wanted: dict[str, object] = {
        "addresses": sorted(member.addresses),
        "pool": member.pool,
        "weight": member.weight,
    }
    if member.capacity is not None:
        wanted["capacity"] = member.capacity
    is_now = {key: running[key] for key in wanted}
    is_now["addresses"] = sorted(running["addresses"])
    if member.pool is not None:
        del wanted["addresses"], is_now["addresses"]
    yield from _differing(where, is_now, wanted)


def _differing(
    where: str, is_now: Mapping[str, object], wanted: Mapping[str, object]
) -> Iterator[str]:
    for key, value in wanted.items():
        if is_now[key] != value:
            yield f"~ {where}: {key} {_shown(is_now[key])} -> {_shown(value)}"


def _shown(value: object) -> str:
    match value:
        case list():
            return ", ".join(map(str, value))
        case float():
            return f"{value:g}"
    return str(value)
