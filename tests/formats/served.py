"""A server's answers from a folder of config and data files."""

import os
from collections.abc import Mapping
from random import Random
from typing import NamedTuple

import dns.edns
import dns.message
import dns.rcode
import dns.rdatatype

from dinamed.config.check import load_all
from dinamed.geo.files import load_geo
from dinamed.plans.context import packed
from dinamed.plans.engine import Engine
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.manager import PoolManager
from dinamed.zones.packed import PackedZone
from tests.formats.support import FormatsTestCase, told

NETWORKS = """
[geo.networks]
"192.0.2.0/25"    = { country = "DE", region = "de-by" }
"192.0.2.128/25"  = { country = "SE" }
"198.51.100.0/24" = { country = "US", region = "us-ca", asn = 64500 }
"203.0.113.0/24"  = { country = "JP" }
"2001:db8::/32"   = { country = "FR" }
"""


class Answer(NamedTuple):
    """A reply: its code, the data of its answers, their TTL, and the scope."""

    rcode: str
    data: frozenset[str]
    ttl: int | None = None
    scope: int | None = None
    owner: str = ""


class ServedTestCase(FormatsTestCase):
    """Tests that ask what is made of files; `networks` tells where clients are."""

    networks = NETWORKS

    def serve(self, files: Mapping[str, str], config: str) -> Engine:
        """Serve a config with these files beside it; there must be no problem."""
        for name, text in files.items():
            self.write(name, text)
        path = self.write("dinamed.toml", config + self.networks)
        everything = load_all(path)
        self.assertEqual(told(everything.problems), [])
        settings = everything.settings
        assert settings is not None
        self.warned = told(list(everything.warnings))
        self.manager = PoolManager(settings.pools, 1000.0)
        zones = {
            origin: PackedZone(built.packed)
            for origin, built in everything.zones.items()
        }
        snapshot = Snapshot.of(
            settings,
            zones,
            self.manager.views,
            "test",
            load_geo(settings.geo).locator,
        )
        return Engine(snapshot, lambda: 1000.0, Random(7))

    def refused(self, files: Mapping[str, str], config: str) -> list[str]:
        """The problems of a config with these files."""
        for name, text in files.items():
            self.write(name, text)
        everything = load_all(self.write("dinamed.toml", config))
        self.assertIsNone(everything.settings)
        return [str(p).replace(self.folder + os.sep, "") for p in everything.problems]


def ask(engine: Engine, name: str, rrtype: str, client: str = "") -> Answer:
    """Ask once; `client` is an address, or a prefix that is sent as client subnet."""
    host, _, length = client.partition("/")
    options: list[dns.edns.Option] = []
    if length:
        options = [dns.edns.ECSOption(host, int(length))]
    query = dns.message.make_query(name, rrtype, use_edns=0, options=options)
    source = "127.0.0.1" if length or not host else host
    wire = engine.respond(query.to_wire(), packed(source))
    assert wire is not None
    reply = dns.message.from_wire(wire)
    scopes = [o.scopelen for o in reply.options if isinstance(o, dns.edns.ECSOption)]
    # What stands behind an alias counts with the alias.
    data = frozenset(rdata.to_text() for rrset in reply.answer for rdata in rrset)
    return Answer(
        dns.rcode.to_text(reply.rcode()),
        data,
        reply.answer[-1].ttl if reply.answer else None,
        scopes[0] if scopes else None,
        reply.answer[0].name.to_text() if reply.answer else "",
    )


def ask_often(engine: Engine, name: str, rrtype: str, client: str = "") -> Answer:
    """Ask forty times; all data that came."""
    answers = [ask(engine, name, rrtype, client) for _ in range(40)]
    data = frozenset(one for answer in answers for one in answer.data)
    return answers[0]._replace(data=data)
