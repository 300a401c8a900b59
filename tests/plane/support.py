"""A plane without threads beside the engine, fed with the same snapshot."""

import os
import random
from unittest import SkipTest

from dinamed.config.places import Geo
from dinamed.config.settings import MemberSettings, PoolSettings, StageSettings
from dinamed.geo.files import load_geo
from dinamed.plane import table_compiler
from dinamed.plane.installer import Installer
from dinamed.plane.table_compiler import TableCompiler
from dinamed.plans.defence import Defence
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
hashed IN HTTPS 1 . mandatory=alpn,ipv4hint alpn=h2 ipv4hint=203.0.113.9
hashed IN HTTPS 2 elsewhere.example.net. alpn=h2
hashed2 3 IN HTTPS 1 . alpn=h2 ech=AAEC port=8443
several IN HTTPS 1 several alpn=h2
crowd IN HTTPS 1 .
six IN HTTPS 1 . mandatory=ipv4hint ipv4hint=203.0.113.9 key65000=abc
placed IN HTTPS 1 . alpn=h2
deeper IN SVCB 1 . alpn=h2
standin IN SVCB 1 . alpn=h2
down IN HTTPS 1 . alpn=h2 ipv4hint=203.0.113.9
*.byname IN HTTPS 1 . alpn=h2
turns IN SVCB 1 . alpn=h2
best IN HTTPS 1 . alpn=h2
tohint IN CNAME hashed
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
    "several": "several",
    "mixed": "mixed",
    "deep": "deep",
    "deeper": "deeper",
    "standin": "standin",
    "best": "best",
    "*.pools": "weighted",
    "byname": "byname",
    "*.byname": "byname",
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


def several() -> tuple[MemberSettings, ...]:
    """Members with more addresses than one, some of which others have too."""
    return tuple(
        host(
            f"s{n}",
            *(f"192.0.2.{n * 10 + k}" for k in range(n)),
            "192.0.2.200",
            *(f"2001:db8:2::{n}:{k}" for k in range(3)),
            weight=float(n),
        )
        for n in range(1, 5)
    )


def inner(*names: str) -> tuple[MemberSettings, ...]:
    """Members that are pools."""
    return tuple(MemberSettings(name=f"in-{name}", pool=name) for name in names)


def mixed() -> tuple[MemberSettings, ...]:
    """Hosts beside pools."""
    return (*members()[:2], *inner("hashed2", "several"))


def crowd() -> tuple[MemberSettings, ...]:
    """So many that the largest replies hold just their IPv4 addresses."""
    return tuple(
        host(f"c{n}", f"203.0.113.{n}", f"2001:db8:1::{n}") for n in range(1, 61)
    )


BY_NAME = StageSettings("hash", "name")


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
        make_pool("several", *several(), select=["hash"], answers=3),
        make_pool("mixed", *mixed(), select=["hash"], answers=2),
        make_pool("deep", *inner("placed", "several", "net"), select=["hash"]),
        make_pool("deeper", *inner("deep", "mixed"), select=["hash"], answers=2),
        make_pool("standin", host("gone", "192.0.2.9", weight=0.0), when_down="deep"),
        make_pool("best", *members(), select=["best"]),
        make_pool("byname", *members(), select=[BY_NAME], answers=2),
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
        bell: int = -1,
    ) -> None:
        need_plane()
        self.bench = Bench(*(served or (zones(), pools())))
        locator = load_geo(Geo(networks=NETWORKS)).locator
        self.bench.engine.serve(self.bench.engine.snapshot.with_locator(locator))
        rng = random.Random(1)
        native = table_compiler.native
        rows = native.rows_of(threads)
        self.plane = native.Plane(threads, rng.randbytes(8 * rows), bell)
        self.compiler = TableCompiler(rows, rng)
        self.cookies = Cookies((bytes(range(16)), b"x" * 16))
        self.bench.engine.serve(
            self.bench.engine.snapshot.with_defence(Defence(self.cookies))
        )
        self.plane.serve(self.tables())
        self.installer = Installer(
            self.bench.engine,
            self.compiler,
            self.plane,
            lambda: self.bench.manager.clock.read(self.bench.now),
        )
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
        for _ in range(4):  # the plan, what follows for the client, the levels
            if not wanted:
                break
            self.install(data, source, wanted)
            reply, wanted = self.plane.answer(data, source, now, steady, stream)
            self.installed += 1
        assert not wanted
        if reply is None:
            self.left += 1
        else:
            self.native += 1
        return reply

    def install(self, data: bytes, source: bytes, wanted: int) -> None:
        """Have the plane know what it wants for a message."""
        query = read_query(data)
        assert isinstance(query, Query)
        plan = self.bench.engine.executor.plan(query)
        self.installer.install(wanted, source, query, plan)

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
