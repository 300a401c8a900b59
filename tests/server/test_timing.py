"""Samples of answers: their time, and the country of who asked."""

from ipaddress import ip_network
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.locator import Locator
from dinamed.geo.place import Place
from dinamed.geo.prefixes import PrefixTable
from dinamed.plans.context import packed
from dinamed.server.resolver import EngineResolver
from dinamed.server.timing import MOST_COUNTRIES, NOWHERE, Timed, TimingSamples
from tests.plans.support import Bench, make_zone, query

QUESTION = query("www.example.org", "A").to_wire()


class TimedTests(SynchronousTestCase):
    """A timed engine with a clock of its own."""

    def setUp(self) -> None:
        """Every look at the clock lets 2 ms pass."""
        self.engine = Bench([make_zone("example.org.", "www IN A 192.0.2.1\n")]).engine
        self.samples = TimingSamples()
        ticks = iter(range(0, 1000, 2))
        self.timed = Timed(
            EngineResolver(self.engine),
            self.engine,
            self.samples,
            lambda: next(ticks) / 1000,
        )

    def test_time(self) -> None:
        """The reply is that of the other, and its time is taken."""
        reply = self.timed.respond(QUESTION, packed("192.0.2.7"))
        self.assertEqual(reply, self.engine.respond(QUESTION, packed("192.0.2.7")))
        self.assertAlmostEqual(self.samples.seconds.total, 0.002)

    def test_countries(self) -> None:
        """Known ones by their code, others as one."""
        table = PrefixTable([(ip_network("192.0.2.0/24"), Place(country="DE"))])
        self.engine.serve(self.engine.snapshot.with_locator(Locator(table)))
        for host in ("192.0.2.7", "192.0.2.8", "198.51.100.1", "::1"):
            self.timed.respond(QUESTION, packed(host))
        self.assertEqual(self.samples.countries, {"DE": 2, NOWHERE: 2})

    def test_broken_database(self) -> None:
        """What can't say where a client is stops no answer."""
        locator: Any = None
        self.engine.serve(self.engine.snapshot.with_locator(locator))
        self.assertIsNotNone(self.timed.respond(QUESTION, packed("fe80::1%eth0")))

    def test_bounded(self) -> None:
        """Countries that a strange database makes up fill no memory."""
        for number in range(MOST_COUNTRIES + 5):
            self.samples.from_country(str(number))
        self.assertEqual(len(self.samples.countries), MOST_COUNTRIES)
