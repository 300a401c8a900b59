"""Tests for DNS cookies, by the vectors of RFC 9018 and of SipHash."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.cookies import MAX_AGE, RENEW_AGE, Cookies, is_legal
from dinamed.wire.siphash import siphash24

SECRET = bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")
NEXT = bytes.fromhex("445536bcd2513298075a5d379663c962")
BEFORE = bytes.fromhex("dd3bdf9344b678b185a6f5cb60fca715")
CLIENT = bytes.fromhex("2464c4abcf10c957")
HERE = ipaddress.ip_address("198.51.100.100").packed
NOW = 1559731985


class SipHashTests(SynchronousTestCase):
    """The hash."""

    def test_vectors(self) -> None:
        """The first octets 0, 1, 2, ... under the key 0, 1, 2, ... as published."""
        key = bytes(range(16))
        for size, expected in (
            (0, "310e0edd47db6f72"),
            (1, "fd67dc93c539f874"),
            (8, "6224939a79f5f593"),
            (15, "e545be4961ca29a1"),
            (63, "724506eb4c328a95"),
        ):
            self.assertEqual(siphash24(key, bytes(range(size))).hex(), expected)


class VectorTests(SynchronousTestCase):
    """RFC 9018 appendix A."""

    def test_learning(self) -> None:
        """A.1: a client cookie alone brings a server cookie."""
        seen = Cookies([SECRET]).look(CLIENT, HERE, NOW)
        self.assertFalse(seen.valid)
        server = "010000005cf79f111f8130c3eee29480"
        self.assertEqual(seen.reply, CLIENT + bytes.fromhex(server))

    def test_renewal(self) -> None:
        """A.2: forty minutes later it is good, and replaced."""
        cookie = CLIENT + bytes.fromhex("010000005cf79f111f8130c3eee29480")
        seen = Cookies([SECRET]).look(cookie, HERE, 1559734385)
        self.assertTrue(seen.valid)
        server = "010000005cf7a871d4a564a1442aca77"
        self.assertEqual(seen.reply, CLIENT + bytes.fromhex(server))

    def test_reserved(self) -> None:
        """A.3: reserved octets count as they were sent; ours are zero."""
        client = bytes.fromhex("fc93fc62807ddb86")
        cookie = client + bytes.fromhex("01abcdef5cf78f71a314227b6679ebf5")
        source = ipaddress.ip_address("203.0.113.203").packed
        cookies = Cookies([SECRET])
        self.assertTrue(cookies.look(cookie, source, 1559727985 + 600).valid)
        # The text calls it good 1 h 52 min later, beyond the hour of section 4.3.
        seen = cookies.look(cookie, source, 1559734700)
        self.assertFalse(seen.valid)
        server = "010000005cf7a9acf73a7810aca2381e"
        self.assertEqual(seen.reply, client + bytes.fromhex(server))

    def test_rotation(self) -> None:
        """A.4: a cookie of the secret before is good, and replaced; IPv6."""
        client = bytes.fromhex("22681ab97d52c298")
        cookie = client + bytes.fromhex("010000005cf7c57926556bd0934c72f8")
        source = ipaddress.ip_address("2001:db8:220:1:59de:d0f4:8769:82b8").packed
        for secrets in ((NEXT, BEFORE), (NEXT,)):
            seen = Cookies(secrets).look(cookie, source, 1559741961)
            self.assertEqual(seen.valid, len(secrets) == 2)
            server = "010000005cf7c609a6bb79d16625507a"
            self.assertEqual(seen.reply, client + bytes.fromhex(server))


class JudgingTests(SynchronousTestCase):
    """What is good, and for how long."""

    def setUp(self) -> None:
        self.cookies = Cookies([SECRET])
        self.cookie = self.cookies.look(CLIENT, HERE, NOW).reply

    def is_valid(self, cookie: bytes, now: float, source: bytes = HERE) -> bool:
        """By the same object, which remembers, and by one that does not."""
        valid = self.cookies.look(cookie, source, now).valid
        self.assertEqual(Cookies([SECRET]).look(cookie, source, now).valid, valid)
        return valid

    def test_window(self) -> None:
        """From five minutes before it was made to an hour after."""
        for age, valid in ((-301, False), (-300, True), (0, True), (3600, True)):
            self.assertEqual(self.is_valid(self.cookie, NOW + age), valid, age)
        self.assertFalse(self.is_valid(self.cookie, NOW + MAX_AGE + 1))
        self.assertTrue(self.is_valid(self.cookie, NOW + 3600.9))

    def test_kept_for_half_an_hour(self) -> None:
        """The same cookie goes back until it is due to be renewed."""
        for age in (0, 5, RENEW_AGE - 1):
            self.assertEqual(
                self.cookies.look(self.cookie, HERE, NOW + age).reply, self.cookie
            )
        later = self.cookies.look(self.cookie, HERE, NOW + RENEW_AGE)
        self.assertTrue(later.valid)
        self.assertNotEqual(later.reply, self.cookie)
        self.assertTrue(self.is_valid(later.reply, NOW + RENEW_AGE))

    def test_clock_goes_back(self) -> None:
        """What is remembered does not outlive the times that it was worked out for."""
        self.cookies.look(self.cookie, HERE, NOW + 3000)
        self.assertTrue(self.is_valid(self.cookie, NOW + 10))
        self.assertFalse(self.is_valid(self.cookie, NOW - 1000))

    def test_other_address(self) -> None:
        """A cookie that was overheard is worth nothing elsewhere."""
        other = ipaddress.ip_address("198.51.100.101").packed
        self.assertFalse(self.is_valid(self.cookie, NOW, other))

    @given(st.integers(0, 23), st.integers(1, 255))
    def test_forgery(self, place: int, change: int) -> None:
        """No octet can be changed."""
        forged = bytearray(self.cookie)
        forged[place] ^= change
        seen = self.cookies.look(bytes(forged), HERE, NOW)
        self.assertFalse(seen.valid)
        self.assertEqual(seen.reply[:8], forged[:8])

    @given(st.binary(min_size=16, max_size=40))
    def test_other_forms(self, cookie: bytes) -> None:
        """Server cookies of other sizes and versions are those of other servers."""
        seen = self.cookies.look(cookie, HERE, NOW)
        self.assertFalse(seen.valid)
        self.assertEqual(len(seen.reply), 24)

    def test_time_wraps(self) -> None:
        """In 2106 the clock of 32 bits begins anew."""
        made = self.cookies.look(CLIENT, HERE, 2**32 - 10).reply
        self.assertTrue(self.is_valid(made, 2**32 + 20))
        self.assertFalse(self.is_valid(made, 2**32 + 4000))

    def test_sizes(self) -> None:
        """RFC 7873 section 4: 8, or from 16 to 40."""
        legal = [size for size in range(60) if is_legal(size)]
        self.assertEqual(legal, [8, *range(16, 41)])

    def test_bad_secret(self) -> None:
        """A secret of another length is an error of ours."""
        for secrets in ([], [b"short"], [SECRET, b""]):
            with self.assertRaises(ValueError):
                Cookies(secrets)
