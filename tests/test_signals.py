"""Tests for signals: order, ends, and listeners that fail."""

from collections.abc import Callable
from unittest import TestCase

from dinamed.signals import Signal


class SignalTests(TestCase):
    """One signal with a list of what was heard."""

    def setUp(self) -> None:
        self.errors: list[Exception] = []
        self.heard: list[str] = []
        self.signal: Signal[str] = Signal(self.errors.append)

    def listener(self, name: str) -> "list[str]":
        """Subscribe one that writes down its name and what it was told."""
        self.signal.subscribe(lambda what: self.heard.append(f"{name} {what}"))
        return self.heard

    def test_order(self) -> None:
        """Listeners are told in the order of their subscription."""
        for name in "abc":
            self.listener(name)
        self.signal.emit("x")
        self.assertEqual(self.heard, ["a x", "b x", "c x"])

    def test_same_listener_twice(self) -> None:
        """Each subscription counts, and ends by itself, any number of times."""
        first = self.signal.subscribe(self.heard.append)
        self.signal.subscribe(self.heard.append)
        self.signal.emit("x")
        first()
        first()
        self.signal.emit("y")
        self.assertEqual(self.heard, ["x", "x", "y"])

    def test_failure(self) -> None:
        """What one listener raises is told to one place, and stops nobody."""
        error = ValueError("no")

        def fails(what: str) -> None:
            raise error

        self.signal.subscribe(fails)
        self.listener("b")
        self.signal.emit("x")
        self.assertEqual((self.errors, self.heard), ([error], ["b x"]))

    def test_change_while_told(self) -> None:
        """Who was struck off by an earlier listener is not called, nor who is new."""
        ends: list[Callable[[], None]] = []

        def first(what: str) -> None:
            ends[0]()
            self.listener("new")

        self.signal.subscribe(first)
        ends.append(self.signal.subscribe(self.heard.append))
        self.signal.emit("x")
        self.assertEqual(self.heard, [])
