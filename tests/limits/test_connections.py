"""Tests for the caps on connections."""

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.limits.connections import Connections, RefusedError

A1, A2, A3 = (ip_address(f"192.0.2.{number}").packed for number in (1, 2, 3))
B1 = ip_address("198.51.100.1").packed


class ConnectionsTests(SynchronousTestCase):
    """Names stand for connections."""

    def test_in_all(self) -> None:
        """The one used the longest ago gives way."""
        books: Connections[str] = Connections(2, 9, 9)
        self.assertIsNone(books.admit("a", A1))
        self.assertIsNone(books.admit("b", B1))
        books.touch("a")
        self.assertEqual(books.admit("c", A1), "b")
        self.assertEqual(list(books), ["a", "c"])
        self.assertEqual((books.displaced, books.refused), (1, 0))

    def test_per_prefix(self) -> None:
        """A network makes room by itself; others keep what they have."""
        books: Connections[str] = Connections(9, 2, 9)
        for name, source in (("b", B1), ("a1", A1), ("a2", A2)):
            books.admit(name, source)
        books.touch("a1")
        self.assertEqual(books.admit("a3", A3), "a2")
        self.assertEqual(list(books), ["b", "a1", "a3"])

    def test_per_client(self) -> None:
        """One address is refused more, and nobody has to go for it."""
        books: Connections[str] = Connections(2, 9, 1)
        books.admit("a", A1)
        books.admit("b", B1)
        with self.assertRaises(RefusedError):
            books.admit("c", A1)
        self.assertEqual(list(books), ["a", "b"])
        self.assertEqual((books.displaced, books.refused), (0, 1))
        self.assertTrue(books.forget("a"))
        self.assertIsNone(books.admit("c", A1))

    def test_unknown(self) -> None:
        """Who was never admitted, or had to go, is not counted."""
        books: Connections[str] = Connections(9, 9, 9)
        books.touch("x")
        self.assertFalse(books.forget("x"))
        self.assertEqual(len(books), 0)

    def test_ipv6(self) -> None:
        """A network is a /56."""
        books: Connections[str] = Connections(9, 1, 9)
        books.admit("a", ip_address("2001:db8::1").packed)
        self.assertEqual(books.admit("b", ip_address("2001:db8:0:ff::1").packed), "a")
        self.assertIsNone(books.admit("c", ip_address("2001:db8:0:100::1").packed))

    @given(
        st.lists(
            st.tuples(st.integers(0, 30), st.sampled_from([A1, A2, A3, B1, b"6" * 16]))
        )
    )
    def test_bounds(self, steps: list[tuple[int, bytes]]) -> None:
        """No order of comings and goings breaks a bound, or leaves anything behind."""
        books: Connections[int] = Connections(5, 3, 2)
        known: dict[int, bytes] = {}
        for number, source in steps:
            if number in known:
                if number % 2:
                    books.touch(number)
                    continue
                self.assertTrue(books.forget(number))
                del known[number]
                continue
            try:
                gone = books.admit(number, source)
            except RefusedError:
                self.assertEqual(list(known.values()).count(source), 2)
                continue
            known[number] = source
            if gone is not None:
                del known[gone]
            self.assertEqual(set(books), set(known))
            networks = [one[:3] for one in known.values()]
            self.assertLessEqual(len(known), 5)
            self.assertTrue(all(networks.count(one) <= 3 for one in networks))
        for number in known:
            books.forget(number)
        self.assertEqual((books._networks, books._clients), ({}, {}))
