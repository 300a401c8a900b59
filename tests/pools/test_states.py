"""Tests of `dinamed.pools.states`."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.states import MemberState, Order, State


class StandingTests(SynchronousTestCase):
    """Orders and checks make one state."""

    def test_auto_follows_the_checks(self) -> None:
        """Without an order only a failed check takes a member out."""
        for healthy, state in (
            (None, State.UP),
            (True, State.UP),
            (False, State.DOWN),
        ):
            self.assertIs(MemberState(healthy=healthy).effective(0), state)

    def test_orders_override_the_checks(self) -> None:
        """An order stands whatever the checks say."""
        for order, state in (
            (Order.UP, State.UP),
            (Order.DOWN, State.DOWN),
            (Order.DRAIN, State.DRAIN),
        ):
            for healthy in (None, True, False):
                member_state = MemberState(order=order, healthy=healthy)
                self.assertIs(member_state.effective(0), state)
                self.assertEqual(bool(member_state.why_out(0)), state is not State.UP)

    def test_an_order_lapses(self) -> None:
        """From `until` on the checks decide again."""
        member_state = MemberState(order=Order.DRAIN, until=100.0)
        self.assertIs(member_state.effective(99.9), State.DRAIN)
        self.assertIs(member_state.effective(100.0), State.UP)

    def test_why_out(self) -> None:
        """The reason of a failed check is told."""
        member_state = MemberState(healthy=False, reason="connection refused")
        self.assertEqual(member_state.why_out(0), "unhealthy: connection refused")
        self.assertEqual(MemberState(healthy=False).why_out(0), "unhealthy")
        self.assertEqual(MemberState(order=Order.DOWN).why_out(0), "down by order")
        self.assertEqual(MemberState(order=Order.DRAIN).why_out(0), "drained by order")
        self.assertEqual(MemberState().why_out(0), "")
