"""Questions to a zone of geodns, and the answers that its rules ask for."""

from ipaddress import ip_network
from typing import NamedTuple

from dinamed.plans.explain import decoded, explain
from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from tests.formats.served import ServedTestCase, ask, ask_often

ZONE = """
{ "ttl": 600, "serial": 42, "max_hosts": 2, "contact": "dns.example.net",
  "targeting": "@ country continent regiongroup region asn ip",
  "data": {
    "": { "ns": ["ns1.example.net.", "ns2.example.net."],
          "mx": [{"mx": "mx.example.net.", "preference": 10}],
          "a": [["192.0.2.200"]], "txt": "v=spf1 -all" },
    "europe": { "a": [["192.0.2.201"]] },
    "www": { "a": [["192.0.2.1", 10], ["192.0.2.2", 5]], "aaaa": [["2001:db8::1"]],
             "max_hosts": 1 },
    "www.europe": { "a": [["192.0.2.3", 10], ["192.0.2.4", 10]], "ttl": 30 },
    "www.de": { "a": [["192.0.2.5"]] },
    "www.as64500": { "cname": "cdn.example.com." },
    "www.us": { "a": [["192.0.2.6"]] },
    "www.us-ca": { "mx": [{"mx": "ca.example.net."}] },
    "www.[203.0.113.0]": { "a": [["192.0.2.7"]] },
    "www.[203.0.113.9]": { "a": [["192.0.2.8"]] },
    "ftp": { "alias": "www" },
    "ftp.se": { "a": [] },
    "apex": { "alias": "" },
    "far": { "alias": "ftp", "txt": "own" },
    "west.us-west": { "a": [["192.0.2.9"]] },
    "c": { "cname": "www" },
    "d": { "cname": [["x.example.com.", 1], ["y.example.com.", 1]] },
    "m": { "mx": [{"mx": "a.", "weight": 1}, {"mx": "b.", "weight": 1},
                  {"mx": "c.", "weight": 1}] },
    "t": { "txt": [{"txt": "one", "weight": 1}, {"txt": "two", "weight": 1}],
           "max_hosts": 1 },
    "z": { "txt": [{"txt": "one"}, {"txt": "two"}], "max_hosts": 1 },
    "_sip._tcp": { "srv": [{"target": "www", "port": 5060, "priority": 1}] },
    "a.b.c": { "ptr": ["host.example.net"] },
    "many": { "a": [["192.0.2.11"], ["192.0.2.12"], ["192.0.2.13"]] }
  } }
"""
CONFIG = '[zones."example.org"]\ngeodns = "example.org.json"\n'

DE, SE, US, JP, FR = (
    "192.0.2.0/25",
    "192.0.2.128/25",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001:db8:1::/48",
)
NOWHERE = "100.64.0.0/24"


class Question(NamedTuple):
    """A question, and all data that ever come; `rcode` is NOERROR where it is left."""

    name: str
    type: str
    client: str
    data: frozenset[str]
    rcode: str = "NOERROR"


def q(name: str, rrtype: str, client: str, *data: str) -> Question:
    """A question with its data."""
    return Question(name, rrtype, client, frozenset(data))


def no(name: str, rrtype: str, client: str = NOWHERE) -> Question:
    """A question whose name is not there."""
    return Question(name, rrtype, client, frozenset(), "NXDOMAIN")


CDN = "cdn.example.com."
WWW = ("192.0.2.1", "192.0.2.2")
EUROPE = ("192.0.2.3", "192.0.2.4")
SOA = "ns1.example.net. dns.example.net. 42 5400 5400 1209600 3600"

QUESTIONS = (
    # The order of targets: address, /24, AS, region, group, country, continent, all.
    q("www", "A", NOWHERE, *WWW),
    q("www", "A", DE, "192.0.2.5"),
    q("www", "A", SE, *EUROPE),
    q("www", "A", FR, *EUROPE),
    q("www", "A", JP, "192.0.2.7"),
    q("www", "A", "203.0.113.9", "192.0.2.8"),
    q("www", "A", "203.0.113.10", "192.0.2.7"),
    q("www", "A", US, CDN),
    # A target that has nothing of the type leaves it to the next one.
    q("www", "AAAA", DE, "2001:db8::1"),
    q("www", "AAAA", NOWHERE, "2001:db8::1"),
    q("www", "MX", "198.51.100.1", CDN),
    q("www", "MX", DE),
    q("west", "A", "198.51.100.1", "192.0.2.9"),
    # A label that is there for some is there for all, but has nothing for them.
    q("west", "A", DE),
    # Targeted labels are names like others.
    q("www.europe", "A", JP, *EUROPE),
    q("www.de", "A", JP, "192.0.2.5"),
    q("www.[203.0.113.9]", "A", DE, "192.0.2.8"),
    q("www.us-ca", "MX", DE, "0 ca.example.net."),
    # The apex has targets too, but the zone's own records are for all.
    q("@", "A", SE, "192.0.2.201"),
    q("@", "A", US, "192.0.2.200"),
    q("@", "NS", SE, "ns1.example.net.", "ns2.example.net."),
    q("@", "SOA", SE, SOA),
    q("@", "TXT", SE, '"v=spf1 -all"'),
    # Aliases go through all targets of the other label.
    q("ftp", "A", DE, "192.0.2.5"),
    q("ftp", "A", SE, *EUROPE),
    q("far", "A", NOWHERE, *WWW),
    q("far", "TXT", NOWHERE, '"own"'),
    q("apex", "A", SE, "192.0.2.201"),
    q("apex", "MX", SE, "10 mx.example.net."),
    q("apex", "NS", SE),
    # CNAME within the zone is followed, for the same client.
    q("c", "A", DE, "www.example.org.", "192.0.2.5"),
    q("c", "CNAME", DE, "www.example.org."),
    q("d", "A", DE, "x.example.com.", "y.example.com."),
    # Records that are drawn, and such that are all given.
    q("m", "MX", DE, "0 a.", "0 b.", "0 c."),
    q("z", "TXT", DE, '"one"', '"two"'),
    q("many", "A", DE, "192.0.2.11", "192.0.2.12", "192.0.2.13"),
    # Other types; names in between; nothing.
    q("_sip._tcp", "SRV", DE, "1 0 5060 www.example.org."),
    q("a.b.c", "PTR", DE, "host.example.net."),
    q("b.c", "A", DE),
    q("many", "AAAA", DE),
    no("nothing", "A"),
    no("nothing.europe", "A"),
    q("ftp.se", "A", SE),
    no("www.se", "A", SE),
)


class QuestionTests(ServedTestCase):
    """What the zone answers."""

    def setUp(self) -> None:
        """Serve it."""
        super().setUp()
        self.engine = self.serve({"example.org.json": ZONE}, CONFIG)

    def test_questions(self) -> None:
        """Each question has its answer."""
        for question in QUESTIONS:
            name, rrtype, client, data, rcode = question
            full = "example.org." if name == "@" else f"{name}.example.org."
            answer = ask_often(self.engine, full, rrtype, client)
            self.assertEqual((answer.rcode, answer.data), (rcode, data), question)
            if data:
                self.assertEqual(answer.owner, full, "the name that was asked for")

    def test_counts(self) -> None:
        """An answer has as many records as max_hosts says, or all without weights."""
        for name, rrtype, count in (
            ("www", "A", 1),
            ("many", "A", 2),
            ("www.europe", "A", 2),
            ("m", "MX", 2),
            ("t", "TXT", 1),
            ("z", "TXT", 2),
            ("d", "CNAME", 1),
        ):
            answer = ask(self.engine, f"{name}.example.org.", rrtype, NOWHERE)
            self.assertEqual(len(answer.data), count, name)

    def test_ttl(self) -> None:
        """A label's TTL goes before the zone's, also through an alias."""
        for name, client, ttl in (
            ("www", NOWHERE, 600),
            ("www", SE, 30),
            ("ftp", SE, 30),
            ("@", NOWHERE, 600),
        ):
            full = "example.org." if name == "@" else f"{name}.example.org."
            self.assertEqual(ask(self.engine, full, "A", client).ttl, ttl)

    def test_scope(self) -> None:
        """The scope is what the choice went by: nothing where there are no targets."""
        for name, client, scope in (
            ("www", "192.0.2.0/24", 24),
            ("www", "192.0.2.5/32", 25),
            ("www", "203.0.113.8/32", 32),
            ("ftp", "192.0.2.5/32", 25),
            ("c", "192.0.2.5/32", 25),
            ("many", "192.0.2.5/32", 0),
            ("m", "192.0.2.5/32", 0),
            ("www.europe", "192.0.2.5/32", 0),
            ("nothing", "192.0.2.5/32", 0),
        ):
            answer = ask(self.engine, f"{name}.example.org.", "A", client)
            self.assertEqual(answer.scope, scope, (name, client))

    def test_shares(self) -> None:
        """Weights are shares, without the bias of the old program."""
        counts = {"192.0.2.1": 0, "192.0.2.2": 0}
        for _ in range(6000):
            (one,) = ask(self.engine, "www.example.org.", "A", NOWHERE).data
            counts[one] += 1
        # 4000 are expected, with a standard deviation of 36.5.
        self.assertTrue(3850 < counts["192.0.2.1"] < 4150, counts)

    def test_explained(self) -> None:
        """Explain tells the client's targets, and the label that answers."""
        told = explain(
            self.engine,
            from_text("www.example.org."),
            Type.A,
            ip_network("192.0.2.128/25"),
        )
        texts = [step.text for step in told.steps]
        self.assertIn("www.example.org.: targets of this client: se, europe, @", texts)
        self.assertIn("www.example.org.: answered by www.europe: its pool", texts)
        self.assertEqual(decoded(told.reply).scope, 25)

    def test_own_names(self) -> None:
        """The names of dinamed itself answer under the zone."""
        for name in ("mgmt", "_status", "_country"):
            answer = ask(self.engine, f"{name}.example.org.", "TXT", "127.0.0.1")
            self.assertEqual(answer.rcode, "NOERROR")
            self.assertTrue(answer.data)

    def test_all_down(self) -> None:
        """When every address is down all are given, not none."""
        for member in ("192.0.2.3", "192.0.2.4"):
            self.manager.health(
                "example.org:www.europe", member, False, "test", now=1000.0
            )
        self.engine.serve(self.engine.snapshot.with_pools(self.manager.views))
        answer = ask_often(self.engine, "www.example.org.", "A", SE)
        self.assertEqual(answer.data, frozenset(EUROPE))
