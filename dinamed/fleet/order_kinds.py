"""What can be ordered of a member for all servers: a state, and a weight."""

from typing import Protocol

from dinamed.fleet.orders import MemberKey
from dinamed.fleet.records import SharedOrder
from dinamed.pools.manager import PoolManager
from dinamed.pools.states import Order


class OrderKind(Protocol):
    """One kind of orders: each member is under one of them at most."""

    @property
    def name(self) -> str:
        """What the kind is called in keys."""

    def lifts(self, order: SharedOrder) -> bool:
        """Whether it takes back what was ordered before."""

    def follow(
        self,
        manager: PoolManager,
        member: MemberKey,
        order: SharedOrder | None,
        now: float,
    ) -> None:
        """Do what is ordered; None: as the config has it.

        @raise UnknownPoolError: there is no such pool.
        @raise UnknownMemberError: the pool has no such member.
        @raise ValueError: the order is over.
        """


class StateOrders:
    """Orders of a state: `drain`, `down` or `up`."""

    name = "orders"

    def lifts(self, order: SharedOrder) -> bool:
        """Whether the member is to be as it is by itself."""
        return order.order is Order.AUTO

    def follow(
        self,
        manager: PoolManager,
        member: MemberKey,
        order: SharedOrder | None,
        now: float,
    ) -> None:
        """Put the member in the state."""
        order = order or SharedOrder()
        until, by, reason = order.until, order.by, order.reason
        manager.order(*member, order.order, now=now, until=until, by=by, reason=reason)


class WeightOrders:
    """Orders of a weight."""

    name = "weights"

    def lifts(self, order: SharedOrder) -> bool:
        """Whether the member is to have the weight of the config."""
        return order.weight is None

    def follow(
        self,
        manager: PoolManager,
        member: MemberKey,
        order: SharedOrder | None,
        now: float,
    ) -> None:
        """Give the member the weight."""
        order = order or SharedOrder()
        until, by, reason = order.until, order.by, order.reason
        manager.weigh(*member, order.weight, now=now, until=until, by=by, reason=reason)
