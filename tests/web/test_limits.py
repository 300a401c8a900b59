"""How often a client may ask."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.web.limits import REMEMBERED, RateLimit
from tests.web.support import SiteCase


class RateLimitTests(SynchronousTestCase):
    """Two requests a second, three at once."""

    def setUp(self) -> None:
        """The clock stands still."""
        self.now = 100.0
        self.limit = RateLimit(lambda: self.now, rate=2, burst=3)

    def test_burst(self) -> None:
        """What is saved up may be spent at once, and no more."""
        waits = [self.limit.wait("192.0.2.1") for _ in range(4)]
        self.assertEqual(waits, [0, 0, 0, 0.5])
        self.assertEqual(self.limit.wait("192.0.2.2"), 0)

    def test_rate(self) -> None:
        """Time brings requests back, up to the burst."""
        for _ in range(4):
            self.limit.wait("192.0.2.1")
        self.now += 0.5
        self.assertEqual(self.limit.wait("192.0.2.1"), 0)
        self.assertGreater(self.limit.wait("192.0.2.1"), 0)
        self.now += 1000
        waits = [self.limit.wait("192.0.2.1") for _ in range(4)]
        self.assertEqual(waits, [0, 0, 0, 0.5])

    def test_networks(self) -> None:
        """IPv6 counts by /64, and IPv4 within IPv6 as IPv4."""
        for host in ("2001:db8::1", "2001:db8::2", "2001:db8::3%eth0"):
            self.assertEqual(self.limit.wait(host), 0)
        self.assertGreater(self.limit.wait("2001:db8::4"), 0)
        self.assertEqual(self.limit.wait("2001:db8:0:1::1"), 0)
        for _ in range(3):
            self.limit.wait("::ffff:192.0.2.1")
        self.assertGreater(self.limit.wait("192.0.2.1"), 0)

    def test_clock_set_back(self) -> None:
        """Time that goes back takes nothing away."""
        self.limit.wait("192.0.2.1")
        self.now -= 50
        self.assertEqual(self.limit.wait("192.0.2.1"), 0)

    def test_bounded(self) -> None:
        """Clients without end fill no memory."""
        for number in range(3 * REMEMBERED):
            self.limit.wait(str(number))
        self.assertLessEqual(len(self.limit._buckets), 2 * REMEMBERED)


class TooOftenTests(SiteCase):
    """The limit at the server."""

    async def test_too_often(self) -> None:
        """A JSON error with the time to wait; health is told all the same."""
        self.site.limit = RateLimit(lambda: 0.0, rate=0.1, burst=1)
        await self.json("GET", "/api/v1/status", 200)
        error = await self.json("GET", "/api/v1/status", 429)
        self.assertEqual(error, {"error": "asked too often"})
        reply = await self.ask("GET", "/metrics")
        self.assertEqual(reply.headers.getRawHeaders("retry-after"), ["10"])
        reply = await self.ask("GET", "/healthz")
        self.assertEqual(reply.status, 200)
