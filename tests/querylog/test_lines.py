"""Lines of the query log, and what they are read from."""

import json

import dns.edns
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.plans.context import packed
from dinamed.querylog.exchange_reader import Exchange, ExchangeReader
from dinamed.querylog.lines import line
from tests.querylog.support import TIME, bench, exchange

SUBNET = dns.edns.ECSOption("198.51.100.0", 24)


class LineTests(SynchronousTestCase):
    """One line tells the question, the answer, and the choice behind it."""

    def setUp(self) -> None:
        """Make a server."""
        self.server = bench()
        self.looker = ExchangeReader(self.server.snapshot)

    def told(self, one: Exchange) -> dict[str, object]:
        """The object of an exchange."""
        found = json.loads(line(self.looker.see(one)))
        assert isinstance(found, dict)
        return found

    def test_choice(self) -> None:
        """A pool's answer names pool, member, stages, subnet and scope."""
        one = exchange(self.server, "ftp", options=[SUBNET])
        self.assertEqual(
            self.told(one),
            {
                "time": "2025-11-25T12:00:00.125Z",
                "client": "192.0.2.77",
                "port": 4242,
                "transport": "udp",
                "name": "ftp.example.org.",
                "class": "IN",
                "type": "A",
                "edns": 1232,
                "subnet": "198.51.100.0/24",
                "rcode": "NOERROR",
                "size": len(one.reply),
                "zone": "example.org.",
                "pool": "mirrors",
                "members": ["fra1"],
                "select": ["hash"],
                "scope": 24,
            },
        )

    def test_alias_and_inner_pool(self) -> None:
        """Members are found behind an alias, and in the pool inside a pool."""
        behind = self.told(exchange(self.server, "topool"))
        self.assertEqual((behind["pool"], behind["members"]), ("mirrors", ["fra1"]))
        inside = self.told(exchange(self.server, "outer"))
        self.assertEqual((inside["pool"], inside["members"]), ("outer", ["fra1"]))

    def test_no_address(self) -> None:
        """NODATA for want of an address names the pool, also behind an alias."""
        for name in ("ftp", "topool"):
            told = self.told(exchange(self.server, name, "AAAA"))
            self.assertEqual((told["rcode"], told["pool"]), ("NOERROR", "mirrors"))
            self.assertEqual((told["members"], told["select"]), ([], ["hash"]))
        for name in ("www", "missing.ftp"):
            self.assertNotIn("pool", self.told(exchange(self.server, name, "AAAA")))

    def test_static(self) -> None:
        """Other answers have no pool; a stream says so."""
        told = self.told(exchange(self.server, "www", stream=True))
        self.assertEqual(told["transport"], "tcp")
        self.assertNotIn("pool", told)
        missing = self.told(exchange(self.server, "missing"))
        self.assertEqual(missing["rcode"], "NXDOMAIN")

    def test_extended_rcode(self) -> None:
        """The upper bits of the rcode, which stand in the OPT record, count."""
        one = exchange(self.server, "www", options=[SUBNET])
        opt = b"\0\0\x29\x04\xd0\0"
        self.assertIn(opt, one.query)
        query = one.query.replace(opt + b"\0", opt + b"\1")
        reply = self.server.engine.respond(query, packed("192.0.2.77"))
        assert reply is not None
        told = self.told(one._replace(query=query, reply=reply))
        self.assertEqual(told["rcode"], "BADVERS")

    @given(st.binary(min_size=12, max_size=80), st.binary(min_size=12, max_size=80))
    def test_any_octets(self, query: bytes, reply: bytes) -> None:
        """Whatever came in and went out makes one line."""
        text = line(
            self.looker.see(Exchange(TIME, b"\1\2\3\4", 0, False, query, reply))
        )
        self.assertEqual(text.count(b"\n"), 1)
        self.assertIn("rcode", json.loads(text))
