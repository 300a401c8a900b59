"""`dinamed explain NAME`: the answer a client gets, and why."""

import argparse
import json
import random
import socket
import sys
import time

import dns.exception
import dns.rdatatype

from dinamed.commands import shares
from dinamed.commands.journal import journal_of
from dinamed.commands.remote import (
    Remote,
    RemoteError,
    UnreachedError,
    add_remote_arguments,
    complain,
    reach_of,
    remote_at,
    remote_of,
)
from dinamed.commands.times import unix_time
from dinamed.config.check import Everything, load_all
from dinamed.config.default import default_path
from dinamed.config.settings import Settings
from dinamed.geo.files import load_geo
from dinamed.journal.explained import explain_then
from dinamed.journal.past import NotKnownError, past_at
from dinamed.plans.engine import Engine
from dinamed.plans.explain import (
    ClientNetwork,
    Decoded,
    Step,
    asked_of,
    decoded,
    explain,
)
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.manager import PoolManager
from dinamed.simulator.chart import NoChartError
from dinamed.wire.names import WireName, to_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="the name to ask for")
    parser.add_argument("--type", default="A", help="record type (default: A)")
    parser.add_argument(
        "--client",
        metavar="IP",
        default="127.0.0.1",
        help="address of the client, or its network as 192.0.2.0/24",
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        help="go by the files, without orders, checks and loads, even if a server runs",
    )
    parser.add_argument(
        "--at",
        metavar="TIME",
        help='with the states that members had then, by the journal: "03:12", '
        '"2026-11-27 03:12", "2h" (ago)',
    )
    add_remote_arguments(parser)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--clients",
        metavar="FILE",
        help="tell which share of these clients (one a line) goes where, by country",
    )
    parser.add_argument(
        "--plot", metavar="FILE", help="with --clients, draw bars: FILE.png, .svg, .pdf"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the steps and the answer; 0, or 1 if config or server are not usable.

    A reply such as NXDOMAIN is an answer too.  What was asked wrongly exits with 2.
    """
    try:
        name, rrtype, client = asked_of(
            arguments.name, arguments.type, arguments.client
        )
        at = None if arguments.at is None else unix_time(arguments.at, time.time())
        if at is not None and arguments.clients:
            raise ValueError("--clients does not go with --at")
        if arguments.plot and not arguments.clients:
            raise ValueError("--plot needs --clients")
        if arguments.http and (arguments.clients or arguments.offline):
            other = "--clients" if arguments.clients else "--offline"
            raise ValueError(f"{other} goes by the files: leave --http out")
    except ValueError as error:
        print(f"dinamed explain: {error}", file=sys.stderr)
        return 2
    asked = f"{to_text(name)} {dns.rdatatype.to_text(rrtype)}"
    try:
        remote = None if arguments.offline or arguments.clients else _remote(arguments)
        if remote is not None:
            whom = f"the server at {remote.url}"
            steps, reply = _asked(remote, name, rrtype, client, at)
        else:
            whom = f"the files of {arguments.config or default_path()}"
    except RemoteError as error:
        return complain(error)
    if remote is None:
        everything = load_all(arguments.config or default_path())
        if everything.settings is None:
            for problem in everything.problems:
                print(problem)
            return 1
        engine = _engine(everything, everything.settings)
        if arguments.clients:
            return _share_out(arguments, engine, name, rrtype)
        if at is None:
            explanation = explain(engine, name, rrtype, client)
        else:
            try:
                past = past_at(journal_of(arguments.config), at)
            except (RemoteError, NotKnownError, OSError) as error:
                return complain(RemoteError(str(error)))
            pools = everything.settings.pools
            explanation = explain_then(
                engine.snapshot, pools, past, name, rrtype, client
            )
        steps, reply = explanation.steps, decoded(explanation.reply)
    if arguments.json:
        told = {"asked": whom, **_explained(name, rrtype, client, steps, reply)}
        print(json.dumps(told, indent=2))
        return 0
    print(f"by {whom}:")
    print_explanation(f"{asked} for {_shown(client)}", steps, reply)
    return 0


def _remote(arguments: argparse.Namespace) -> Remote | None:
    """The server to ask; None if the config names none, or none answers there.

    Raises `RemoteError` where a server was named, or answers but refuses.
    """
    if arguments.http is not None:
        return remote_of(arguments)
    reach = reach_of(arguments.config or default_path())
    if reach.url is None:
        return None
    try:
        remote = remote_at(arguments, reach)
        remote.get("/api/v1/status")
    except UnreachedError as error:
        print(f"dinamed: {error}", file=sys.stderr)
        return None
    return remote


def _asked(
    remote: Remote,
    name: WireName,
    rrtype: dns.rdatatype.RdataType,
    client: ClientNetwork,
    at: float | None,
) -> tuple[tuple[Step, ...], Decoded]:
    """A running server's explanation.  Raises `RemoteError`."""
    then = {} if at is None else {"at": repr(at)}
    told = remote.get(
        "/api/v1/explain",
        name=to_text(name),
        type=dns.rdatatype.to_text(rrtype),
        client=str(client),
        **then,
    )
    sections = (told["answer"], told["authority"], told["additional"])
    reply = Decoded(told["rcode"], told["authoritative"], told["scope"], sections)
    return tuple(Step(step["topic"], step["text"]) for step in told["steps"]), reply


def _share_out(
    arguments: argparse.Namespace, engine: Engine, name: WireName, rrtype: int
) -> int:
    """Print which share of many clients goes to which member."""
    try:
        clients = shares.read_clients(arguments.clients)
        found = shares.shares(engine, name, rrtype, clients)
        if arguments.plot:
            shares.plot(found, arguments.plot)
    except (shares.BadClientsError, NoChartError) as error:
        print(f"dinamed explain: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(shares.as_json(found), indent=2))
    else:
        print("\n".join(shares.table(found)))
    return 0


def _explained(
    name: WireName,
    rrtype: dns.rdatatype.RdataType,
    client: ClientNetwork,
    steps: tuple[Step, ...],
    reply: Decoded,
) -> dict[str, object]:
    """An explanation as the HTTP API tells it."""
    sections = ("answer", "authority", "additional")
    return {
        "name": to_text(name),
        "type": dns.rdatatype.to_text(rrtype),
        "client": str(client),
        "steps": [{"topic": step.topic, "text": step.text} for step in steps],
        "rcode": reply.rcode,
        "authoritative": reply.authoritative,
        "scope": reply.scope,
        **dict(zip(sections, map(list, reply.sections), strict=True)),
    }


def _shown(client: ClientNetwork) -> str:
    whole = client.prefixlen == client.max_prefixlen
    return str(client.network_address if whole else client)


def _engine(everything: Everything, settings: Settings) -> Engine:
    manager = PoolManager(settings.pools, time.time())
    snapshot = Snapshot.of(
        settings,
        everything.packed(),
        manager.views,
        socket.gethostname(),
        load_geo(settings.geo).locator,
    )
    return Engine(snapshot, time.time, random.Random())


def print_explanation(asked: str, steps: tuple[Step, ...], reply: Decoded) -> None:
    """Print the steps as a table, then the reply as a master file would say it."""
    print(asked)
    width = max(len(step.topic) for step in steps)
    for step in steps:
        print(f"  {step.topic:{width}}  {step.text}")
    flags = " aa" if reply.authoritative else ""
    scope = "" if reply.scope is None else f", scope /{reply.scope}"
    print(f"{reply.rcode}{flags}{scope}")
    for record in (record for section in reply.sections for record in section):
        print(f"  {record}")
