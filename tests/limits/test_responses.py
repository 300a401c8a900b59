"""Tests for response rate limiting."""

import random
from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.limits.responses import REMEMBERED, RateAction, ResponseLimiter

HERE = ip_address("192.0.2.77").packed
NEAR = ip_address("192.0.2.78").packed
NOW = 1_700_000_000.0


class LimiterTests(SynchronousTestCase):
    """One limiter, with the time as an argument."""

    def passed(
        self,
        limiter: ResponseLimiter,
        count: int,
        now: float,
        source: bytes = HERE,
        kind: bytes = b"a",
    ) -> int:
        """How many of some replies pass."""
        verdicts = [limiter.judge(source, kind, now) for _ in range(count)]
        return verdicts.count(RateAction.PASS)

    def test_rate(self) -> None:
        """A second's worth at once, and then the rate."""
        limiter = ResponseLimiter(5)
        self.assertEqual(self.passed(limiter, 20, NOW), 5)
        self.assertEqual(self.passed(limiter, 20, NOW + 0.2001), 1)
        self.assertEqual(self.passed(limiter, 20, NOW + 1.0), 4)
        self.assertEqual(self.passed(limiter, 20, NOW + 60), 5)

    @given(st.floats(0.05, 2000), st.integers(0, 2**32))
    def test_never_more_than_the_rate(self, rate: float, seed: int) -> None:
        """Over any time, the rate and a burst at most."""
        limiter = ResponseLimiter(rate)
        rng = random.Random(seed)
        now, passed = NOW, 0
        for _ in range(300):
            now += rng.expovariate(rate * 3)
            passed += limiter.judge(HERE, b"a", now) is RateAction.PASS
        self.assertLessEqual(passed, rate * (now - NOW) + rate + 1.01)
        self.assertGreaterEqual(passed, 1)

    def test_networks(self) -> None:
        """A /24 and a /56 share a bucket, others have their own."""
        limiter = ResponseLimiter(1)
        self.assertEqual(self.passed(limiter, 1, NOW), 1)
        self.assertEqual(self.passed(limiter, 1, NOW, NEAR), 0)
        other = ip_address("192.0.3.77").packed
        self.assertEqual(self.passed(limiter, 1, NOW, other), 1)
        six = [
            ip_address(text).packed
            for text in ("2001:db8::1", "2001:db8:0:ff::1", "2001:db8:0:100::1")
        ]
        found = [self.passed(limiter, 1, NOW, source) for source in six]
        self.assertEqual(found, [1, 0, 1])

    def test_kinds(self) -> None:
        """Replies of other kinds are not affected."""
        limiter = ResponseLimiter(1)
        self.assertEqual(self.passed(limiter, 9, NOW), 1)
        self.assertEqual(self.passed(limiter, 9, NOW, kind=b"n"), 1)

    def test_slip(self) -> None:
        """Every so many of those over the limit leave truncated."""
        for slip, expected in ((0, 0), (1, 12), (2, 6), (3, 4)):
            limiter = ResponseLimiter(1, slip)
            verdicts = [limiter.judge(HERE, b"a", NOW) for _ in range(13)]
            self.assertEqual(verdicts.count(RateAction.SLIP), expected)
            self.assertEqual(limiter.slipped, expected)
            self.assertEqual(limiter.dropped, 12 - expected)

    def test_exempt(self) -> None:
        """Some networks have no limit, and do not show in the counts."""
        networks = [ip_network("192.0.2.64/27"), ip_network("2001:db8::/64")]
        limiter = ResponseLimiter(1, exempt=networks)
        self.assertEqual(self.passed(limiter, 9, NOW), 9)
        beside = ip_address("192.0.2.1").packed
        self.assertEqual(self.passed(limiter, 9, NOW, beside), 0)
        self.assertEqual(limiter.over, 9)

    def test_clock_goes_back(self) -> None:
        """A clock set back does not silence the server until that time comes again."""
        limiter = ResponseLimiter(2)
        self.passed(limiter, 9, NOW)
        self.assertEqual(self.passed(limiter, 9, NOW - 3600), 2)

    def test_slow_rates(self) -> None:
        """Less than one a second: one, and then a pause."""
        limiter = ResponseLimiter(0.1)
        self.assertEqual(self.passed(limiter, 9, NOW), 1)
        self.assertEqual(self.passed(limiter, 9, NOW + 9), 0)
        self.assertEqual(self.passed(limiter, 9, NOW + 10.1), 1)

    def test_memory(self) -> None:
        """A flood from everywhere forgets, and does not grow."""
        limiter = ResponseLimiter(1)
        for number in range(3 * REMEMBERED):
            limiter.judge((number << 8).to_bytes(4), b"a", NOW)
        self.assertLessEqual(len(limiter._full_at), 2 * REMEMBERED)

    def test_bad_rate(self) -> None:
        """No rate is no limiter."""
        with self.assertRaises(ValueError):
            ResponseLimiter(0)
