"""What the engine counts, on its quick ways and its slow one."""

import dns.message
from twisted.trial.unittest import SynchronousTestCase

from dinamed.plans.context import packed
from dinamed.plans.counts import AnswerLabels
from dinamed.plans.snapshot import Snapshot
from dinamed.wire.constants import Rcode
from dinamed.zones.zoneset import ZoneSet
from tests.plans.support import Bench, host, make_pool, make_zone, query

ZONE = make_zone("example.org.", "www IN A 192.0.2.1\n", {"ftp": "two"})
OTHER_ZONE = make_zone("example.net.", "")
POOL = make_pool("two", host("a", "192.0.2.1"), host("b", "192.0.2.2"))


class CountsTests(SynchronousTestCase):
    """One engine with two zones."""

    def setUp(self) -> None:
        """Make it."""
        self.bench = Bench([ZONE, OTHER_ZONE], [POOL])

    def totals(self) -> dict[AnswerLabels, int]:
        """What is counted."""
        return dict(self.bench.engine.counts.totals())

    def test_quick_ways(self) -> None:
        """What is remembered counts as what is answered anew."""
        for _ in range(3):
            self.bench.ask("www.example.org", "A")
            self.bench.ask("ftp.example.org", "A")
        self.bench.ask("ftp.example.org", "A", size=1232)
        self.assertEqual(
            self.totals(), {AnswerLabels("example.org.", "A", "NOERROR", "udp"): 7}
        )
        self.assertEqual(self.bench.engine.questions, 7)

    def test_labels(self) -> None:
        """Zone, type, reply and transport; what is unusual is one."""
        self.bench.ask("no.example.net", "AAAA", stream=True)
        self.bench.ask("example.com", "MX")
        self.bench.ask("www.example.org", "TYPE999")
        self.bench.ask("www.example.org", "TYPE998")
        self.assertEqual(
            self.totals(),
            {
                AnswerLabels("example.net.", "AAAA", "NXDOMAIN", "tcp"): 1,
                AnswerLabels("other", "MX", "REFUSED", "udp"): 1,
                AnswerLabels("example.org.", "other", "NOERROR", "udp"): 2,
            },
        )

    def test_one_rcode(self) -> None:
        """Over all zones; those of a zone that is served no more are forgotten."""
        counts = self.bench.engine.counts
        self.bench.ask("no.example.net", "AAAA")
        self.bench.ask("no.example.org", "MX", stream=True)
        self.bench.ask("www.example.org", "A")
        self.assertEqual(counts.with_rcode(Rcode.NXDOMAIN), 2)
        self.assertEqual(counts.with_rcode(Rcode.SERVFAIL), 0)
        counts.keep({ZONE.origin})
        self.assertEqual(counts.with_rcode(Rcode.NXDOMAIN), 1)
        self.bench.ask("no.example.org", "MX", stream=True)
        self.assertEqual(counts.with_rcode(Rcode.NXDOMAIN), 2)

    def test_rejected(self) -> None:
        """Messages that are no queries count by their reply, or as silence."""
        respond = self.bench.engine.respond
        wire = query("www.example.org", "A").to_wire()
        respond(b"", packed("192.0.2.7"))
        respond(wire[:2] + b"\x80" + wire[3:], packed("192.0.2.7"))
        respond(wire[:4] + b"\0\2" + wire[6:], packed("192.0.2.7"))
        version = dns.message.make_query("www.example.org", "A", use_edns=1)
        respond(version.to_wire(), packed("192.0.2.7"))
        self.assertEqual(
            self.totals(),
            {
                AnswerLabels("other", "other", "FORMERR", "udp"): 1,
                AnswerLabels("other", "other", "BADVERS", "udp"): 1,
            },
        )
        self.assertEqual(self.bench.engine.counts.silent, 2)

    def test_zones_that_go(self) -> None:
        """A zone that is served no more is counted no more."""
        self.bench.ask("www.example.org", "A")
        self.bench.ask("ns1.example.net", "A")
        snapshot = self.bench.engine.snapshot
        self.bench.engine.serve(
            Snapshot(ZoneSet({ZONE.origin: ZONE}), snapshot.pools, snapshot.identity)
        )
        self.bench.ask("ns1.example.net", "A")
        self.assertEqual(
            self.totals(),
            {
                AnswerLabels("example.org.", "A", "NOERROR", "udp"): 1,
                AnswerLabels("other", "A", "REFUSED", "udp"): 1,
            },
        )

    def test_bounded(self) -> None:
        """Types that clients make up do not make cells."""
        for number in range(1000, 1100):
            self.bench.ask("www.example.org", f"TYPE{number}")
        self.assertEqual(len(self.totals()), 1)
