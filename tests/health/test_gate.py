"""The limit on what runs at once."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.health.gate import ConcurrencyLimit


class GateTests(SynchronousTestCase):
    """Turns."""

    def test_limit(self) -> None:
        """What is over the limit waits, and comes in its order."""
        gate = ConcurrencyLimit(2)
        begun: list[int] = []
        for number in range(4):
            gate.enter(lambda number=number: begun.append(number))  # type: ignore[misc]
        self.assertEqual((begun, gate.running, gate.waiting), ([0, 1], 2, 2))
        gate.leave()
        self.assertEqual((begun, gate.running, gate.waiting), ([0, 1, 2], 2, 1))

    def test_no_recursion(self) -> None:
        """Work that ends at once, however much of it, does not go deep."""
        gate = ConcurrencyLimit(1)
        done: list[int] = []

        def work() -> None:
            done.append(1)
            gate.leave()

        gate.enter(lambda: None)
        for _ in range(5000):
            gate.enter(work)
        gate.leave()
        self.assertEqual((len(done), gate.running), (5000, 0))

    def test_clear(self) -> None:
        """What is forgotten never runs."""
        gate = ConcurrencyLimit(1)
        gate.enter(lambda: None)
        gate.enter(lambda: self.fail("ran"))
        gate.clear()
        gate.leave()
        self.assertEqual((gate.running, gate.waiting), (0, 0))
