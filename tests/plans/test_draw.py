"""Tests for names bound to pools."""

import random

import dns.edns
import dns.message
import dns.rcode
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import MemberSettings
from dinamed.plans.draw import addresses_of
from dinamed.pools.choice import Choice
from tests.plans.support import (
    STARTED,
    Bench,
    data_of,
    is_aa,
    is_tc,
    make_pool,
    make_zone,
    query,
    strings_of,
    subnet_of,
    texts,
)
from tests.plans.support import host as member

TEXT = """\
ftp IN MX 10 mail
mail IN A 192.0.2.25
own IN TXT "the zone's"
alias IN CNAME ftp
malias IN CNAME many
*.walias IN CNAME x.cdn
delias IN DNAME cdn
"""
NAMES = {
    "@": "both",
    "ftp": "both",
    "own": "both",
    "*.cdn": "both",
    "v4": "v4only",
    "none": "nobody",
    "many": "many",
    "hash": "hashed",
    "all": "everyone",
    "three": "three",
    "nested": "outer",
}
POOLS = [
    make_pool("both", member("a", "192.0.2.1", "2001:db8::1"), ttl=30),
    make_pool("v4only", member("a", "192.0.2.1"), member("b", "192.0.2.2")),
    make_pool("nobody", member("a", "192.0.2.1", weight=0), when_down="none"),
    make_pool(
        "many",
        *[member(f"m{n}", f"192.0.2.{n}") for n in range(1, 61)],
        answers=60,
    ),
    make_pool(
        "hashed",
        *[member(f"h{n}", f"192.0.2.{n}", f"2001:db8::{n}") for n in range(1, 9)],
        select=["hash"],
    ),
    make_pool(
        "everyone",
        member("a", "192.0.2.1", "192.0.2.2"),
        member("b", "192.0.2.3"),
        select=["all"],
    ),
    make_pool(
        "three", *[member(f"t{n}", f"192.0.2.{n}") for n in (1, 2, 3)], answers=2
    ),
    make_pool(
        "outer", MemberSettings(name="inner", pool="hashed"), member("z", "192.0.2.200")
    ),
]


def many_addresses(select: str, answers: int, *members: MemberSettings) -> Bench:
    """A bench with one pool bound to `p`."""
    pool = make_pool("p", *members, select=[select], answers=answers)
    return Bench([make_zone("example.org.", "", {"p": "p"})], [pool])


class DrawCase(SynchronousTestCase):
    """Names of all kinds bound to pools of all kinds."""

    def setUp(self) -> None:
        self.bench = Bench([make_zone("example.org.", TEXT, NAMES)], POOLS)

    def ask(
        self,
        name: str,
        rdtype: str = "A",
        client: str = "192.0.2.77",
        stream: bool = False,
        size: int | None = None,
    ) -> dns.message.Message:
        """Ask for a name in example.org."""
        name = "example.org." if name == "@" else f"{name}.example.org."
        return self.bench.ask(name, rdtype, client=client, stream=stream, size=size)

    def totals(self, pool: str) -> int:
        """Hand-outs of a pool so far."""
        return sum(self.bench.manager.views[pool].accounting.totals.values())


class TypeTests(DrawCase):
    """What the types of a pool's name give."""

    def test_addresses(self) -> None:
        """A and AAAA of the member, with the pool's TTL and AA."""
        for _ in range(3):
            for name in ("ftp", "@", "q.cdn", "a.b.cdn"):
                owner = "example.org." if name == "@" else f"{name}.example.org."
                for rdtype, address in (("A", "192.0.2.1"), ("AAAA", "2001:db8::1")):
                    reply = self.ask(name, rdtype)
                    self.assertEqual(
                        texts(reply.answer), [f"{owner} 30 IN {rdtype} {address}"]
                    )
                    self.assertTrue(is_aa(reply))
                    self.assertEqual(reply.authority, [])
        self.assertEqual(self.totals("both"), 24)

    def test_family_without_members(self) -> None:
        """NODATA, with the SOA, and no hand-out."""
        for _ in range(2):
            reply = self.ask("v4", "AAAA")
            self.assertEqual((reply.rcode(), reply.answer), (0, []))
            self.assertEqual([r.rdtype.name for r in reply.authority], ["SOA"])
            self.assertTrue(is_aa(reply))
        self.assertEqual(self.totals("v4only"), 0)

    def test_nobody_left(self) -> None:
        """A pool that is down and says none is NODATA too."""
        for rdtype in ("A", "AAAA", "TXT"):
            reply = self.ask("none", rdtype)
            self.assertEqual((reply.rcode(), reply.answer), (0, []))
            self.assertEqual(len(reply.authority), 1)

    def test_text(self) -> None:
        """TXT names the member, with the pool's TTL; it is no hand-out."""
        for _ in range(3):
            reply = self.ask("ftp", "TXT")
            self.assertEqual(strings_of(reply), ["serviced by a"])
            self.assertEqual(reply.answer[0].ttl, 30)
        self.assertEqual(self.totals("both"), 0)

    def test_other_types(self) -> None:
        """From the zone where they stand beside the name, else NODATA."""
        self.assertEqual(data_of(self.ask("ftp", "MX")), ["10 mail.example.org."])
        self.assertEqual(data_of(self.ask("own", "TXT")), ['"the zone\'s"'])
        self.assertEqual(len(self.ask("@", "SOA").answer), 1)
        reply = self.ask("v4", "MX")
        self.assertEqual((reply.rcode(), len(reply.authority)), (0, 1))

    def test_any(self) -> None:
        """One HINFO; nothing is handed out."""
        for name in ("ftp", "v4"):
            self.assertEqual(data_of(self.ask(name, "ANY")), ['"RFC8482" ""'])
        self.assertEqual(self.totals("both") + self.totals("v4only"), 0)

    def test_aliases(self) -> None:
        """CNAME and DNAME lead into pools; the owner is the pool's name."""
        reply = self.ask("alias")
        self.assertEqual(
            texts(reply.answer),
            [
                "alias.example.org. 3600 IN CNAME ftp.example.org.",
                "ftp.example.org. 30 IN A 192.0.2.1",
            ],
        )
        self.assertEqual(data_of(self.ask("x.walias"))[-1], "192.0.2.1")
        self.assertEqual(data_of(self.ask("x.delias"))[-1], "192.0.2.1")
        self.assertEqual(len(self.ask("x.delias").answer), 3)
        self.assertEqual(strings_of_last(self.ask("alias", "TXT")), "serviced by a")
        reply = self.ask("alias", "MX")
        self.assertEqual(data_of(reply), ["ftp.example.org.", "10 mail.example.org."])

    def test_state_decides_from_the_next_query_on(self) -> None:
        """A change of the pools needs no new plans."""
        self.ask("v4")
        self.bench.manager.health("v4only", "a", False, now=STARTED)
        found = {data_of(self.ask("v4"))[0] for _ in range(20)}
        self.assertEqual(found, {"192.0.2.2"})


def strings_of_last(reply: dns.message.Message) -> str:
    """The strings of the last record."""
    return b"".join(reply.answer[-1][0].strings).decode()


class AnswersTests(DrawCase):
    """How many addresses there are in an answer."""

    def test_answers(self) -> None:
        """`answers` different members."""
        seen = set()
        for _ in range(50):
            found = data_of(self.ask("three"))
            self.assertEqual(len(set(found)), 2)
            seen |= set(found)
        self.assertEqual(len(seen), 3)

    def test_truncation(self) -> None:
        """What does not fit is left out as a whole, with TC; TCP has it all."""
        for _ in range(2):
            reply = self.ask("many")
            self.assertTrue(is_tc(reply))
            self.assertEqual(reply.answer, [])
            reply = self.ask("malias")
            self.assertTrue(is_tc(reply))
            self.assertEqual(data_of(reply), ["many.example.org."])
            reply = self.ask("many", size=1232)
            self.assertEqual((is_tc(reply), len(reply.answer)), (False, 60))
        reply = self.ask("many", stream=True)
        self.assertEqual(len(set(data_of(reply))), 60)

    def test_one_address_that_does_not_fit(self) -> None:
        """Long aliases may leave no room for a single address."""
        far = [
            ".".join(letter * 60 for letter in letters) for letters in ("abc", "def")
        ]
        zone = make_zone(
            "example.org.",
            f"s IN CNAME {far[0]}\n{far[0]} IN CNAME {far[1]}\n",
            {far[1]: "both"},
        )
        bench = Bench([zone], POOLS, identity="i" * 128)
        for _ in range(3):
            nsid = dns.edns.NSIDOption(b"")
            reply = bench.ask("s.example.org.", "A", size=512, options=[nsid])
            self.assertTrue(is_tc(reply))
            self.assertEqual(len(reply.answer), 1)
            reply = bench.ask("s.example.org.", "A", options=[nsid])
            self.assertEqual((is_tc(reply), len(reply.answer)), (False, 3))

    def test_addresses_of_one_member(self) -> None:
        """With room for one, each address comes in turn by chance."""
        bench = many_addresses("weighted", 1, member("a", "192.0.2.1", "192.0.2.2"))
        found = [data_of(bench.ask("p.example.org.", "A")) for _ in range(40)]
        self.assertEqual({len(one) for one in found}, {1})
        self.assertEqual({one[0] for one in found}, {"192.0.2.1", "192.0.2.2"})

    def test_room_is_filled_up(self) -> None:
        """First one address of each member, then more of them, as `answers` says."""
        members = [
            member("a", "192.0.2.1", "192.0.2.2", "192.0.2.3"),
            member("b", "192.0.2.9"),
        ]
        for answers, sizes in ((1, {1}), (2, {2}), (3, {3}), (9, {4})):
            bench = many_addresses("weighted", answers, *members)
            replies = [data_of(bench.ask("p.example.org.", "A")) for _ in range(20)]
            self.assertEqual({len(set(one)) for one in replies}, sizes)
            if answers > 1:
                self.assertTrue(all("192.0.2.9" in one for one in replies))

    def test_stable_pickers_give_stable_addresses(self) -> None:
        """`hash` names the same address of a member every time."""
        bench = many_addresses("hash", 1, member("a", "192.0.2.1", "192.0.2.2"))
        found = {data_of(bench.ask("p.example.org.", "A"))[0] for _ in range(20)}
        self.assertEqual(found, {"192.0.2.1"})

    def test_all_gives_all(self) -> None:
        """`all` hands out every address of every member."""
        for _ in range(5):
            found = sorted(data_of(self.ask("all")))
            self.assertEqual(found, ["192.0.2.1", "192.0.2.2", "192.0.2.3"])

    def test_the_same_address_twice(self) -> None:
        """Members that share an address do not double it."""
        members = [member("a", "192.0.2.1", "192.0.2.2"), member("b", "192.0.2.1")]
        bench = many_addresses("all", 1, *members)
        found = sorted(data_of(bench.ask("p.example.org.", "A")))
        self.assertEqual(found, ["192.0.2.1", "192.0.2.2"])

    def test_nested(self) -> None:
        """A pool as a member brings one of its own members."""
        inner = {f"192.0.2.{n}" for n in range(1, 9)}
        found = {data_of(self.ask("nested"))[0] for _ in range(40)}
        self.assertIn("192.0.2.200", found)
        self.assertEqual(len(found & inner), 1)

    def test_nobody(self) -> None:
        """No members have no addresses."""
        choice = Choice((), 60, 0, False)
        chance = random.Random(0)
        self.assertEqual(addresses_of(choice, 4, self.bench.snapshot, chance), [])


class SubnetTests(DrawCase):
    """The EDNS client subnet, and its scope (RFC 7871)."""

    def ask_from(
        self, name: str, subnet: str, rdtype: str = "A"
    ) -> dns.message.Message:
        """Ask with a client subnet."""
        address, _, source = subnet.partition("/")
        option = dns.edns.ECSOption(address, int(source), 0)
        message = query(f"{name}.example.org.", rdtype, options=[option])
        return self.bench.send(message)

    def test_static(self) -> None:
        """Data that are the same for all have scope 0."""
        for name in ("mail", "nothing", "ftp", "v4"):
            for _ in range(2):
                reply = self.ask_from(name, "198.51.100.0/24")
                self.assertEqual(subnet_of(reply), "198.51.100.0/24/0")

    def test_hash(self) -> None:
        """The scope is what the hash goes by, and at most what was given."""
        for subnet, scope in (
            ("198.51.100.0/24", 24),
            ("198.51.100.128/32", 24),
            ("198.51.0.0/16", 16),
            ("0.0.0.0/0", 0),
            ("2001:db8::/32", 32),
            ("2001:db8:1:200::/64", 56),
        ):
            reply = self.ask_from("hash", subnet)
            self.assertEqual(subnet_of(reply), f"{subnet}/{scope}")

    def test_the_subnet_decides(self) -> None:
        """The same network gets the same member, for both families."""
        found = set()
        for number in range(40):
            subnet = f"198.51.{number}.0/24"
            (v4,) = data_of(self.ask_from("hash", subnet))
            (v6,) = data_of(self.ask_from("hash", subnet, "AAAA"))
            self.assertEqual(v4.rpartition(".")[2], v6.rpartition(":")[2])
            found.add(v4)
            whole = self.ask("hash", client=f"198.51.{number}.200")
            self.assertEqual(data_of(whole), [v4])
        self.assertGreater(len(found), 4)

    def test_none_asked_none_given(self) -> None:
        """Without the option there is none in the reply."""
        self.assertIsNone(subnet_of(self.ask("hash", size=1232)))
