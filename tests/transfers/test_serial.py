"""Serial arithmetic (RFC 1982)."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.transfers.serial import following, newer

SERIALS = st.integers(0, 2**32 - 1)


class SerialTests(SynchronousTestCase):
    """Which of two serials is newer."""

    def test_examples(self) -> None:
        """Those of RFC 1982 section 5.2, for 32 bits."""
        self.assertTrue(newer(1, 0))
        self.assertTrue(newer(44, 2**32 - 100))
        self.assertFalse(newer(2**32 - 100, 44))
        self.assertFalse(newer(0, 2**31))
        self.assertFalse(newer(2**31, 0))

    @given(SERIALS, SERIALS)
    def test_order(self, one: int, other: int) -> None:
        """Never both ways, and never of equals."""
        self.assertFalse(newer(one, other) and newer(other, one))
        self.assertFalse(newer(one, one))

    @given(SERIALS)
    def test_following(self, serial: int) -> None:
        """The next one is newer, and is not 0."""
        self.assertTrue(newer(following(serial), serial))
        self.assertNotEqual(following(serial), 0)
