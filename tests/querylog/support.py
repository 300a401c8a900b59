"""Exchanges with a small engine."""

from collections.abc import Sequence

import dns.edns

from dinamed.config.settings import MemberSettings
from dinamed.plans.context import packed
from dinamed.querylog.exchange_reader import Exchange
from tests.plans.support import HERE, Bench, host, make_pool, make_zone, query

TIME = 1_764_072_000.125
NAMES = {"ftp": "mirrors", "outer": "outer"}
ZONE = "www IN A 192.0.2.80\ntopool IN CNAME ftp\n"


def bench() -> Bench:
    """A zone with a name of each kind, and two pools."""
    mirrors = make_pool("mirrors", host("fra1", "192.0.2.1"), select=["hash"])
    outer = make_pool("outer", MemberSettings(name="inside", pool="mirrors"))
    return Bench([make_zone("example.org", ZONE, NAMES)], [mirrors, outer])


def exchange(
    server: Bench,
    name: str,
    rdtype: str = "A",
    *,
    stream: bool = False,
    options: Sequence[dns.edns.Option] = (),
) -> Exchange:
    """A question and what the engine answers to it."""
    message = query(f"{name}.example.org.", rdtype, options=options)
    data = message.to_wire()
    reply = server.engine.respond(data, packed(HERE), stream)
    assert reply is not None
    return Exchange(TIME, packed(HERE), 4242, stream, data, reply)
