"""`dinamed dnssec`: the keys of signed zones, and what is waited for."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from dinamed.commands.dnssec_files import (
    FilesFault,
    bundle_of,
    import_keys,
    order_here,
    zone_keys,
    zones_of,
)
from dinamed.commands.dnssec_walk import WalkFault, walk
from dinamed.commands.remote import (
    Remote,
    RemoteError,
    add_remote_arguments,
    complain,
    remote_of,
)
from dinamed.commands.status import duration
from dinamed.dnssec.keys import ds_text
from dinamed.dnssec.rolling import wanted_keys
from dinamed.server.signing_status import status_of

_ORDERS = {
    "make": "make a key for a zone that has none",
    "roll": "begin to change the key of a zone",
    "off": "begin to go unsigned, without a moment at which validators fail",
    "ds-seen": "say that the parent has the DS that it was asked for",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    def action(
        name: str, text: str, run: Callable[[argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        one = actions.add_parser(name, help=text, description=text)
        one.add_argument(
            "zone", metavar="ZONE", nargs="?" if name == "status" else None
        )
        add_remote_arguments(one)
        one.set_defaults(action=run)
        return one

    action("ds", "print the DS of a zone, for its registrar", _ds)
    status = action("status", "show keys, and what is waited for", _status)
    status.add_argument("--json", action="store_true", help="for programs")
    for name, text in _ORDERS.items():
        one = action(name, text, _order)
        one.set_defaults(order=name)
        if name == "roll":
            one.add_argument(
                "--emergency", action="store_true", help="at once; validators will fail"
            )
    taken = action("import", "take keys from files, or from standard input", _import)
    taken.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="K*.private, PEM, or what export prints",
    )
    action("export", "print the keys of a zone, secrets included", _export)
    verify = action("verify", "check all that is served of a signed zone", _verify)
    verify.add_argument(
        "--server", metavar="ADDRESS[:PORT]", help="default: from the config"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked; 0, or 1 if that was not possible."""
    try:
        status: int = arguments.action(arguments)
    except (FilesFault, WalkFault) as fault:
        return complain(RemoteError(str(fault)))
    except RemoteError as error:
        return complain(error)
    return status


def _ds(arguments: argparse.Namespace) -> int:
    keys = zone_keys(arguments.config, arguments.zone)
    state = keys.state
    if state is None:
        raise FilesFault(keys.problem or f"{arguments.zone} has no key yet")
    for label in wanted_keys(state):
        key = keys.held.keys[label]
        if key.secure_entry:
            print(ds_text(key.zone, key.ds))
    return 0


def _running(arguments: argparse.Namespace) -> Remote | None:
    """The server, if it answers."""
    remote = remote_of(arguments)
    try:
        remote.get("/api/v1/dnssec")
    except RemoteError:
        if arguments.http is not None:
            raise
        return None
    return remote


def _status(arguments: argparse.Namespace) -> int:
    remote = _running(arguments)
    told: list[Any]
    if remote is not None and arguments.zone is not None:
        told = [remote.get(f"/api/v1/dnssec/{quote(arguments.zone, safe='')}")]
    elif remote is not None:
        told = remote.get("/api/v1/dnssec")
    else:
        names = [arguments.zone] if arguments.zone else zones_of(arguments.config)
        now = time.time()
        every = [status_of(zone_keys(arguments.config, name), now) for name in names]
        told = [msgspec.to_builtins(one) for one in every]
    if arguments.json:
        print(json.dumps(told, indent=2))
        return 0
    if remote is None:
        print("no server answers: from the files", file=sys.stderr)
    for zone in told:
        _print_zone(zone, time.time())
    return 0


def _print_zone(zone: dict[str, Any], now: float) -> None:
    words = "signed" if zone["signed"] else "NOT SIGNED"
    stage = f", {zone['stage']}" if zone["stage"] else ""
    print(f"{zone['zone']} {words}{stage}")
    if zone["problem"]:
        print(f"  problem: {zone['problem']}")
    for key in zone["keys"]:
        signs = " and ".join(key["signs"]) or "nothing"
        asked = ", the parent is asked for its DS" if key["wanted"] else ""
        out = "" if key["published"] else ", not published"
        print(
            f"  key {key['tag']} {key['kind']} {key['algorithm']}, signs {signs}"
            f"{out}{asked}"
        )
    for wait in zone["waiting"]:
        since = duration(max(0.0, now - wait["since"]))
        until = wait["until"]
        left = "" if until is None else f", {duration(max(0.0, until - now))} more"
        print(f"  waits for {wait['what']} (for {since}{left})")
    if zone["expires"] is not None:
        print(f"  signatures are good for {duration(zone['expires'] - now)} or more")
    if zone["ahead"]:
        print(f"  {zone['ahead']} signatures made ahead")
    _print_shown("parent", "DS", zone["parent"], now)
    _print_shown("name server", "DNSKEY", zone["servers"], now)


def _print_shown(who: str, what: str, view: dict[str, Any] | None, now: float) -> None:
    """What each server has shown."""
    if view is None:
        print(f"  {who}: not asked yet")
        return
    for server, tags in sorted(view["servers"].items()):
        shown = "no answer" if tags is None else f"{what} " if tags else f"no {what}"
        listed = ", ".join(map(str, tags or ()))
        age = duration(max(0.0, now - view["at"]))
        print(f"  {who} {server}: {shown}{listed} ({age} ago)")
    if not view["servers"]:
        print(f"  {who}: no address was found")


def _order(arguments: argparse.Namespace) -> int:
    emergency = getattr(arguments, "emergency", False)
    if emergency:
        print(
            "at once: until caches have forgotten the old key and the parent has the "
            "new DS, validators fail for this zone",
            file=sys.stderr,
        )
    remote = _running(arguments)
    if remote is not None:
        body = {"order": arguments.order, "emergency": emergency}
        path = f"/api/v1/dnssec/{quote(arguments.zone, safe='')}"
        _print_zone(remote.change("POST", path, body), time.time())
        return 0
    keys = zone_keys(arguments.config, arguments.zone)
    order_here(keys, arguments.order, emergency, time.time())
    _print_zone(msgspec.to_builtins(status_of(keys, time.time())), time.time())
    return 0


def _import(arguments: argparse.Namespace) -> int:
    stdin = sys.stdin.buffer.read() if not arguments.files else None
    keys = zone_keys(arguments.config, arguments.zone)
    labels = import_keys(keys, arguments.files, stdin, time.time())
    for label in labels:
        print(f"took key {keys.held.keys[label].tag} into {keys.folder.keys}")
    remote = _running(arguments)
    if remote is not None:
        path = f"/api/v1/dnssec/{quote(arguments.zone, safe='')}"
        remote.change("POST", path, {"order": "read"})
    return 0


def _export(arguments: argparse.Namespace) -> int:
    keys = zone_keys(arguments.config, arguments.zone)
    print(bundle_of(keys))
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    found = walk(arguments.config, arguments.zone, arguments.server)
    for fault in found.faults:
        print(fault, file=sys.stderr)
    print(
        f"{found.names} names, {found.rrsets} RRsets with good signatures"
        + (f", {len(found.faults)} faults" if found.faults else "")
    )
    return 1 if found.faults else 0
