"""`dinamed explain NAME`: the answer a client gets, and why."""

import argparse
import ipaddress
import random
import socket
import sys
import time

import dns.exception
import dns.rdatatype

from dinamed.config.check import Everything, load_all
from dinamed.config.default import default_path
from dinamed.config.settings import Settings
from dinamed.geo.files import load_places
from dinamed.plans.engine import Engine
from dinamed.plans.explain import Client, Explanation, decoded, explain
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.manager import PoolManager
from dinamed.wire.names import BadName, from_text, to_text
from dinamed.zones.packed import PackedZone

HELP = "tell the answer that a client gets, and why, stage by stage"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("name", metavar="NAME", help="the name to ask for")
    parser.add_argument("--type", default="A", help="record type (default: A)")
    parser.add_argument(
        "--client",
        metavar="IP",
        default="127.0.0.1",
        help="address of the client, or its network as 192.0.2.0/24",
    )
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help="config file (default: the one that twistd dinamed would use)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the steps and the answer; 0, or 1 if the config is not usable.

    A reply such as NXDOMAIN is an answer too.  What was asked wrongly exits with 2.
    """
    try:
        name = from_text(arguments.name)
        rrtype = dns.rdatatype.from_text(arguments.type)
        client = ipaddress.ip_network(arguments.client, strict=False)
    except (BadName, ValueError, dns.exception.DNSException) as error:
        print(f"dinamed explain: {error}", file=sys.stderr)
        return 2
    everything = load_all(arguments.config or default_path())
    if everything.settings is None:
        for problem in everything.problems:
            print(problem)
        return 1
    engine = _engine(everything, everything.settings)
    explanation = explain(engine, name, rrtype, client)
    asked = f"{to_text(name)} {dns.rdatatype.to_text(rrtype)}"
    print_explanation(f"{asked} for {_shown(client)}", explanation)
    return 0


def _shown(client: Client) -> str:
    whole = client.prefixlen == client.max_prefixlen
    return str(client.network_address if whole else client)


def _engine(everything: Everything, settings: Settings) -> Engine:
    zones = {
        origin: PackedZone(built.packed) for origin, built in everything.zones.items()
    }
    manager = PoolManager(settings.pools, time.time())
    snapshot = Snapshot.of(
        settings,
        zones,
        manager.views,
        socket.gethostname(),
        load_places(settings.geo).locator,
    )
    return Engine(snapshot, time.time, random.Random())


def print_explanation(asked: str, explanation: Explanation) -> None:
    """Print the steps as a table, then the reply as a master file would say it."""
    print(asked)
    width = max(len(step.topic) for step in explanation.steps)
    for step in explanation.steps:
        print(f"  {step.topic:{width}}  {step.text}")
    reply = decoded(explanation.reply)
    flags = " aa" if reply.authoritative else ""
    scope = "" if reply.scope is None else f", scope /{reply.scope}"
    print(f"{reply.rcode}{flags}{scope}")
    for record in (record for section in reply.sections for record in section):
        print(f"  {record}")
