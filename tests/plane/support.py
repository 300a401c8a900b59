"""A plane without threads beside the engine, fed with the same snapshot."""

import os
import random
from unittest import SkipTest

from dinamed.config.places import Geo
from dinamed.config.settings import MemberSettings, PoolSettings
from dinamed.geo.files import load_geo
from dinamed.plane import table_compiler
from dinamed.plane.plan_install import install_plan
from dinamed.plane.service import (
    INSTALL_CLIENT,
    INSTALL_LEVELS,
    INSTALL_PROOF,
    INSTALL_SIGNATURE,
)
from dinamed.plane.signature_install import install_signed
from dinamed.plane.table_compiler import TableCompiler
from dinamed.plans.context import QueryContext
from dinamed.plans.defence import Defence
from dinamed.plans.plan import Plan, PoolAnswer
from dinamed.wire.cookies import Cookies
from dinamed.wire.query import Query, read_query
from dinamed.zones.packed import PackedZone
from tests.plans.support import Bench, host, make_pool, make_zone
from tests.plans.test_places import MEMBERS, NETWORKS

ZONE = """\
www IN A 192.0.2.80
www IN A 192.0.2.81
www IN AAAA 2001:db8::80
www IN TXT "one" "two"
www IN HTTPS 1 . alpn=h2
mail IN MX 10 www
mail IN MX 20 mx.example.net.
srv IN SRV 0 5 5060 www
alias IN CNAME www
away IN CNAME www.example.net.
loop IN CNAME loop
topool IN CNAME weighted
toempty IN CNAME six
tocrowd IN CNAME alias3
alias3 IN CNAME crowd
tomany IN CNAME many
deep.a.b.c IN A 192.0.2.90
*.wild IN A 192.0.2.91
*.wild IN TXT "wild"
*.star IN CNAME www
sub IN NS ns.sub
sub IN NS ns.example.net.
sub IN DS 12345 13 1 abababababababababababababababababababab
ns.sub IN A 192.0.2.92
below IN DNAME www
weighted IN HTTPS 1 . alpn=h2
weighted IN MX 5 mail
hashed IN SVCB 1 elsewhere.example.net. alpn=h2
odd IN TYPE65400 \\# 3 c00c01
many IN TXT "{long}"
many IN TXT "2{long}"
many IN TXT "3{long}"
many IN TXT "4{long}"
many IN TXT "5{long}"
x.ns1 IN A 192.0.2.93
_sip._tcp IN A 192.0.2.94
""".format(long="x" * 250)

OTHER = """\
1 IN PTR www.example.org.
pool IN TXT "beside"
"""

BOUND = {
    "weighted": "weighted",
    "three": "three",
    "hashed": "hashed",
    "hashed2": "hashed2",
    "turns": "turns",
    "everyone": "everyone",
    "ranked": "ranked",
    "six": "six",
    "nearby": "nearby",
    "down": "down",
    "nested": "nested",
    "two": "two",
    "placed": "placed",
    "near": "near",
    "net": "net",
    "crowd": "crowd",
    "*.pools": "weighted",
}


def members(weighted: bool = True) -> tuple[MemberSettings, ...]:
    """Eight members, four of which have IPv6."""
    return tuple(
        host(
            f"m{n}",
            f"192.0.2.{n}",
            *([f"2001:db8::{n}"] if n % 2 else []),
            weight=float(n) if weighted else 1.0,
        )
        for n in range(1, 9)
    )


def crowd() -> tuple[MemberSettings, ...]:
    """So many that the largest replies hold just their IPv4 addresses."""
    return tuple(
        host(f"c{n}", f"203.0.113.{n}", f"2001:db8:1::{n}") for n in range(1, 61)
    )


def pools() -> list[PoolSettings]:
    """A pool for each rule, native or not."""
    ranked = (
        MemberSettings(name="a", addresses=("192.0.2.1",), priority=2),
        MemberSettings(name="b", addresses=("192.0.2.2",), priority=1),
    )
    return [
        make_pool("weighted", *members()),
        make_pool("three", *members(), answers=3),
        make_pool("hashed", *members(), select=["hash"]),
        make_pool("hashed2", *members(), select=["hash"], answers=2),
        make_pool("turns", *members(), select=["round-robin"], answers=2),
        make_pool("everyone", *members(), select=["all"]),
        make_pool("ranked", *ranked, select=["priority", "weighted"]),
        make_pool("six", host("only", "2001:db8::6")),
        make_pool("nearby", *members(), select=["country", "weighted"]),
        make_pool("down", host("gone", "192.0.2.9", weight=0.0), when_down="none"),
        make_pool("nested", MemberSettings(name="inner", pool="weighted")),
        make_pool("two", host("both", "192.0.2.1", "192.0.2.2")),
        make_pool("crowd", *crowd(), select=["hash"], answers=60),
        make_pool("placed", *MEMBERS, select=["country", "hash"]),
        make_pool("near", *MEMBERS, select=["priority", "nearest", "hash"]),
        make_pool("net", *MEMBERS, select=["network", "country", "hash"]),
    ]


def zones() -> list[PackedZone]:
    """Zones with everything that the plane or the engine has a rule for."""
    return [
        make_zone("example.org.", ZONE, BOUND),
        make_zone("2.0.192.in-addr.arpa.", OTHER, {"pool": "weighted"}),
        make_zone("child.example.org.", "www IN A 192.0.2.95\n"),
    ]


def need_plane() -> None:
    """Skip without the extension; in CI that is a failure."""
    if table_compiler.native is None:
        assert not os.environ.get("CI"), "the extension was not built"
        raise SkipTest("the extension is not built")


class Pair:
    """The engine and the plane, both with the same data."""

    def __init__(
        self,
        threads: int = 0,
        served: tuple[list[PackedZone], list[PoolSettings]] | None = None,
    ) -> None:
        need_plane()
        self.bench = Bench(*(served or (zones(), pools())))
        locator = load_geo(Geo(networks=NETWORKS)).locator
        self.bench.engine.serve(self.bench.engine.snapshot.with_locator(locator))
        rng = random.Random(1)
        native = table_compiler.native
        rows = native.rows_of(threads)
        self.plane = native.Plane(threads, rng.randbytes(8 * rows), -1)
        self.compiler = TableCompiler(rows, rng)
        self.cookies = Cookies((bytes(range(16)), b"x" * 16))
        self.bench.engine.serve(
            self.bench.engine.snapshot.with_defence(Defence(self.cookies))
        )
        self.plane.serve(self.tables())
        self.native = self.installed = self.left = 0

    def tables(self) -> "table_compiler.native.Tables":
        """What the engine serves now."""
        engine = self.bench.engine
        return self.compiler.tables(engine.snapshot)

    def ask_plane(
        self, data: bytes, source: bytes, stream: bool = False
    ) -> bytes | None:
        """What the plane replies, perhaps having learned; None: Python's."""
        now = self.bench.now
        steady = self.bench.manager.clock.read(now)
        reply, wanted = self.plane.answer(data, source, now, steady, stream)
        if wanted:
            query = read_query(data)
            assert isinstance(query, Query)
            engine = self.bench.engine
            plan = engine.executor.plan(query)
            for _ in range(3):  # the plan, the client, the levels
                if wanted in (INSTALL_CLIENT, INSTALL_LEVELS):
                    self.install_client(query, plan, source, wanted)
                elif wanted in (INSTALL_SIGNATURE, INSTALL_PROOF):
                    install_signed(self.plane, engine.executor, query, plan, source)
                elif wanted:
                    install_plan(
                        self.plane,
                        self.compiler.route_index,
                        query,
                        plan,
                        engine.kind(query, plan),
                    )
                reply, wanted = self.plane.answer(data, source, now, steady, stream)
                if not wanted:
                    break
            assert not wanted
            self.installed += 1
        if reply is None:
            self.left += 1
        else:
            self.native += 1
        return reply

    def install_client(
        self, query: Query, plan: Plan, source: bytes, what: int
    ) -> None:
        """Have the plane know the client of a query, or the levels for it."""
        assert isinstance(plan, PoolAnswer)
        engine = self.bench.engine
        client = engine.executor.client_of(plan, QueryContext(query, source))
        now = self.bench.now
        if what == INSTALL_CLIENT:
            self.compiler.install_client(self.plane, plan, client, engine.snapshot, now)
        else:
            self.compiler.publish(self.plane, plan, client, engine.snapshot, now)

    def take_counts(self) -> None:
        """Book what the plane has handed out, and publish what follows from it."""
        bench, publisher = self.bench, self.compiler.publisher
        counts = self.plane.take_counts()
        for pool, member, number in counts:
            bench.manager.view(pool).accounting.add(member, number, bench.now)
        for pool in dict.fromkeys(count[0] for count in counts):
            publisher.took(self.plane, pool, bench.now)
        publisher.refresh(self.plane, bench.now, lambda: 0.0)
        self.plane.reclaim()

    def ask_engine(self, data: bytes, source: bytes, stream: bool = False) -> bytes:
        """What the engine replies; empty for silence."""
        return self.bench.engine.respond(data, source, stream) or b""
