"""Tests of `dinamed.pools.resolvers`."""

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.resolvers import ClientResolver, ClientResolvers

TTL = 60.0


def serve(resolvers: ClientResolvers, key: bytes, time: float) -> ClientResolver:
    """Answer a question, for the TTL."""
    resolver = resolvers.asks(key, resolvers.get(key), time, TTL)
    resolver.expires = time + TTL
    return resolver


def caches(
    resolvers: ClientResolvers,
    key: bytes,
    rate: float,
    number: int,
    end: float,
    seed: int,
) -> ClientResolver:
    """Let so many caches behind one address serve clients, each at that rate."""
    rng = Random(seed)
    due = [rng.expovariate(rate) for _ in range(number)]
    resolver = None
    while min(due) < end:
        time = min(due)
        resolver = serve(resolvers, key, time)
        due[due.index(time)] = time + TTL + rng.expovariate(rate)
    assert resolver is not None
    return resolver


class RateTests(SynchronousTestCase):
    """The rate of clients behind a resolver, from its questions alone."""

    def test_gaps(self) -> None:
        """The gap is smoothed by a quarter; the rate is 1 / (gap + 0.5 s)."""
        resolvers = ClientResolvers()
        serve(resolvers, b"a", 0.0)
        self.assertEqual(serve(resolvers, b"a", 62.0).gap, 2.0)
        resolver = serve(resolvers, b"a", 62.0 + 60 + 6)
        self.assertEqual(resolver.gap, 2.0 + 0.25 * 4.0)
        self.assertEqual(resolver.rate, 1 / 3.5)

    def test_newcomer(self) -> None:
        """Who comes late is taken to have few clients."""
        resolvers = ClientResolvers()
        self.assertEqual(resolvers.asks(b"a", None, 9.5, TTL).rate, 0.1)
        self.assertEqual(resolvers.asks(b"b", None, 1e6, TTL).rate, 1 / 240.5)

    def test_one_cache(self) -> None:
        """The rate is learned to a factor of two, most of the time."""
        for rate in (1.0, 0.2, 0.02):
            learned = sorted(
                caches(
                    ClientResolvers(), b"a", rate, 1, 30 * (TTL + 1 / rate), seed
                ).rate
                for seed in range(40)
            )
            self.assertGreater(learned[4], rate / 2)
            self.assertLess(learned[-4], 2.2 * rate)

    def test_several_caches(self) -> None:
        """Behind one address each answer has the rate of its own cache."""
        for number in (2, 4, 8):
            resolver = caches(ClientResolvers(), b"a", 0.5, number, 3000.0, number)
            self.assertLess(resolver.rate, 1.0)
            self.assertGreater(resolver.rate, 0.2)

    def test_a_question_sent_twice(self) -> None:
        """It makes two leases for once, and no difference for what is learned."""
        resolvers = ClientResolvers()
        serve(resolvers, b"a", 0.0)
        serve(resolvers, b"a", 61.0)
        serve(resolvers, b"a", 61.5)
        for number in range(2, 6):
            resolver = serve(resolvers, b"a", number * 61.0)
            self.assertAlmostEqual(resolver.gap, 1.0)
        self.assertIsNone(resolver.others)

    def test_very_many_caches(self) -> None:
        """A client for each question at least, and no boundless number of leases."""
        resolvers = ClientResolvers()
        for number in range(60_000):
            resolver = serve(resolvers, b"a", number / 100)
        assert resolver.others is not None
        self.assertLessEqual(len(resolver.others), 16)
        self.assertAlmostEqual(resolver.rate * TTL, 16.0)
        self.assertEqual(resolvers.known, 1)

    def test_ttls_that_change(self) -> None:
        """Of very many caches the rate is that of the questions, whatever their TTL."""
        rng = Random(4)
        resolvers = ClientResolvers()
        for number in range(400):
            resolver = resolvers.asks(b"a", resolvers.get(b"a"), number / 2, TTL)
            resolver.expires = number / 2 + rng.choice((TTL, TTL / 3, TTL * 5))
        self.assertAlmostEqual(resolver.rate * TTL, (2 * TTL) ** 0.5, places=3)

    def test_back_to_one(self) -> None:
        """When the others have gone the gaps of the one count again."""
        resolvers = ClientResolvers()
        caches(resolvers, b"a", 0.5, 4, 1000.0, 3)
        for number in range(20):
            resolver = serve(resolvers, b"a", 2000.0 + 64 * number)
        self.assertIsNone(resolver.others)
        self.assertLess(abs(resolver.gap - 4.0), 0.5)

    def test_a_jump_of_the_clock(self) -> None:
        """One gap of a day does not outweigh what was learned."""
        resolvers = ClientResolvers()
        for number in range(20):
            serve(resolvers, b"a", 61.0 * number)
        resolver = serve(resolvers, b"a", 1e5)
        self.assertLess(resolver.gap, 5.0)
        for number in range(1, 8):
            serve(resolvers, b"a", 1e5 + 61 * number)
        self.assertLess(resolver.gap, 1.6)

    def test_many_caches_and_a_gap(self) -> None:
        """Nor does one gap outweigh that there were very many caches."""
        resolvers = ClientResolvers()
        for number in range(2000):
            before = serve(resolvers, b"a", number / 100).rate
        self.assertGreater(serve(resolvers, b"a", 1e4).rate, before / 4)

    def test_mean(self) -> None:
        """It is that of those who have come back."""
        resolvers = ClientResolvers()
        self.assertEqual(resolvers.mean_rate, 0.0)
        for minute in range(3):
            for number in range(10):
                serve(resolvers, bytes((number,)), minute * (62.0 + number))
        serve(resolvers, b"newcomer", 300.0)
        rates = [self.rate(resolvers, number) for number in range(10)]
        self.assertEqual(resolvers.known, 10)
        self.assertAlmostEqual(resolvers.mean_rate, sum(rates) / 10)

    def rate(self, resolvers: ClientResolvers, number: int) -> float:
        """What is known of that one."""
        resolver = resolvers.get(bytes((number,)))
        assert resolver is not None
        return resolver.rate


class MemoryTests(SynchronousTestCase):
    """However many ask, the memory is bounded, and keeps what matters."""

    def test_a_flood(self) -> None:
        """A million forged sources leave the rates of real ones as they were."""
        capacity = 8192
        resolvers = ClientResolvers(capacity)
        real = [bytes((10, 0, 0, number)) for number in range(250)]
        for turn in range(4):
            for key in real:
                serve(resolvers, key, turn * 62.0)
        before = {key: self.rate(resolvers, key) for key in real}
        mean = resolvers.mean_rate
        rng = Random(1)
        draw = rng.randbytes
        asks = resolvers.asks
        for number in range(1_000_000):
            asks(draw(5), None, 190.0 + number / 1e6, TTL).expires = 250.0
        self.assertLessEqual(len(resolvers), capacity)
        self.assertEqual(len(resolvers), capacity)
        self.assertEqual(resolvers.known, 250)
        self.assertEqual({key: self.rate(resolvers, key) for key in real}, before)
        self.assertEqual(resolvers.mean_rate, mean)

    def test_forged_sources_that_come_back(self) -> None:
        """They push out each other before real ones, which have more clients."""
        resolvers = ClientResolvers(800)
        real = [bytes((10, 0, 0, number)) for number in range(100)]
        for minute in range(40):
            for key in real:
                serve(resolvers, key, minute * 62.0)
            for number in range(90):
                forged = bytes((66, minute // 2, number))
                serve(resolvers, forged, minute * 70.0 + 1)
        self.assertLessEqual(len(resolvers), 800)
        self.assertEqual(resolvers.known, 700)
        kept = [key for key in real if self.rate(resolvers, key) > 0.3]
        self.assertGreaterEqual(len(kept), 98)

    def test_more_than_there_is_room_for(self) -> None:
        """Of many real ones those with many clients are known."""
        resolvers = ClientResolvers(500)
        heavy = [b"heavy%d" % number for number in range(100)]
        light = [b"light%d" % number for number in range(3000)]
        for turn in range(60):
            for number, key in enumerate(heavy + light[turn % 2 :: 2]):
                serve(resolvers, key, turn * 61.0 + number / 10_000)
        kept = [key for key in heavy if self.rate(resolvers, key) > 0.4]
        self.assertGreaterEqual(len(kept), 80)
        self.assertLessEqual(len(resolvers), 500)

    def test_another_limit(self) -> None:
        """With less room all sums stay right."""
        resolvers = ClientResolvers(800)
        for minute in range(2):
            for number in range(90):
                serve(resolvers, bytes((number,)), minute * (62.0 + number / 10))
        resolvers.limit(16)
        self.assertEqual(resolvers.known, 14)
        self.assertLessEqual(len(resolvers), 16)
        rates = [r.rate for n in range(90) if (r := resolvers.get(bytes((n,))))]
        self.assertAlmostEqual(resolvers.mean_rate, sum(rates) / len(rates))

    def rate(self, resolvers: ClientResolvers, key: bytes) -> float:
        """What is known of that one; 0 if nothing is."""
        resolver = resolvers.get(key)
        return 0.0 if resolver is None else resolver.rate
