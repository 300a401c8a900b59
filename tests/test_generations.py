"""Tests for the bounded cache."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.generations import Generations


class GenerationsTests(SynchronousTestCase):
    """Never more than twice the limit, and what is used stays."""

    @given(
        st.integers(1, 4),
        st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=60),
    )
    def test_bounds(self, limit: int, steps: list[tuple[bool, int]]) -> None:
        """The `limit` keys used last are there, with their values; at most twice."""
        cache: Generations[int, int] = Generations(limit)
        used: list[int] = []
        for put, key in steps:
            if put:
                cache.put(key, -key)
            elif cache.get(key) is None:
                continue
            used = [key, *(other for other in used if other != key)]
            self.assertLessEqual(len(cache), 2 * limit)
            self.assertLessEqual(len(cache.young), limit)
            for recent in used[:limit]:
                self.assertTrue(recent in cache.young or recent in cache._old)
        for recent in used[:1]:
            self.assertEqual(cache.get(recent), -recent)

    def test_what_is_used_stays(self) -> None:
        """A flood of keys seen once does not drive out the one that is asked for."""
        cache: Generations[int, str] = Generations(10)
        cache.put(-1, "kept")
        cache.put(-2, "dropped")
        for key in range(1000):
            cache.put(key, "")
            self.assertEqual(cache.get(-1), "kept")
        self.assertIsNone(cache.get(-2))

    def test_clear(self) -> None:
        """Nothing is left of either generation."""
        cache: Generations[int, str] = Generations(1)
        cache.put(1, "a")
        cache.put(2, "b")
        self.assertEqual(len(cache), 2)
        cache.clear()
        self.assertEqual((len(cache), cache.get(1), cache.get(2)), (0, None, None))
