"""Tests of `dinamed.pools.states`."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.states import Order, Standing, State


class StandingTests(SynchronousTestCase):
    """Orders and checks make one state."""

    def test_auto_follows_the_checks(self) -> None:
        """Without an order only a failed check takes a member out."""
        for healthy, state in (
            (None, State.UP),
            (True, State.UP),
            (False, State.DOWN),
        ):
            self.assertIs(Standing(healthy=healthy).effective(0), state)

    def test_orders_override_the_checks(self) -> None:
        """An order stands whatever the checks say."""
        for order, state in (
            (Order.UP, State.UP),
            (Order.DOWN, State.DOWN),
            (Order.DRAIN, State.DRAIN),
        ):
            for healthy in (None, True, False):
                standing = Standing(order=order, healthy=healthy)
                self.assertIs(standing.effective(0), state)
                self.assertEqual(bool(standing.why_out(0)), state is not State.UP)

    def test_an_order_lapses(self) -> None:
        """From `until` on the checks decide again."""
        standing = Standing(order=Order.DRAIN, until=100.0)
        self.assertIs(standing.effective(99.9), State.DRAIN)
        self.assertIs(standing.effective(100.0), State.UP)

    def test_why_out(self) -> None:
        """The reason of a failed check is told."""
        standing = Standing(healthy=False, reason="connection refused")
        self.assertEqual(standing.why_out(0), "unhealthy: connection refused")
        self.assertEqual(Standing(healthy=False).why_out(0), "unhealthy")
        self.assertEqual(Standing(order=Order.DOWN).why_out(0), "down by order")
        self.assertEqual(Standing(order=Order.DRAIN).why_out(0), "drained by order")
        self.assertEqual(Standing().why_out(0), "")
