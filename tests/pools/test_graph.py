"""Tests of `dinamed.pools.graph`."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.graph import in_order, needs
from tests.pools.support import host, nested, pool


class InOrderTests(SynchronousTestCase):
    """Pools, inner ones first."""

    @given(
        st.dictionaries(
            st.integers(0, 15), st.sets(st.integers(0, 15), max_size=3), max_size=16
        )
    )
    def test_inner_first(self, drawn: dict[int, set[int]]) -> None:
        """Without loops each pool comes once, after all that it refers to."""
        needed = {
            str(name): {str(n) for n in names if n < name and n in drawn}
            for name, names in drawn.items()
        }
        ordered = in_order(needed)
        self.assertEqual(sorted(ordered), sorted(needed))
        for name, names in needed.items():
            for inner in names:
                self.assertLess(ordered.index(inner), ordered.index(name))

    def test_loop(self) -> None:
        """A loop is refused, with the way round."""
        with self.assertRaisesRegex(ValueError, "b -> c -> b"):
            in_order({"a": ["b"], "b": ["c"], "c": ["b"]})
        with self.assertRaisesRegex(ValueError, "a -> a"):
            in_order({"a": ["a"]})

    def test_unknown(self) -> None:
        """A reference to nothing is refused."""
        with self.assertRaisesRegex(ValueError, "'a' refers to unknown pool 'b'"):
            in_order({"a": ["b"]})

    def test_deep(self) -> None:
        """Any depth of nesting will do."""
        needed = {str(i): [str(i + 1)] for i in range(5000)} | {"5000": []}
        self.assertEqual(in_order(needed)[0], "5000")


class NeedsTests(SynchronousTestCase):
    """What a pool refers to."""

    def test_needs(self) -> None:
        """Members that are pools, and a pool named by `when_down`."""
        table = pool("p", host("a"), nested("q"), when_down="r")
        self.assertEqual(needs(table), {"q", "r"})
        self.assertEqual(needs(pool("p", host("a"), when_down="last")), frozenset())
