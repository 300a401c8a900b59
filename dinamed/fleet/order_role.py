"""Orders for all servers: given at one, followed by every one."""

from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.fleet.order_kinds import OrderKind
from dinamed.fleet.orders import FleetOrders, MemberKey, key_of, member_of
from dinamed.fleet.records import Codec, SharedOrder
from dinamed.fleet.store import StaleError, Store, StoreError
from dinamed.pools.manager import PoolManager, UnknownMemberError, UnknownPoolError


class OverruledError(Exception):
    """Another order was given meanwhile; the message says which."""


class Given(NamedTuple):
    """What became of an order: its revision; None if the store can't be had now."""

    revision: int | None


class OrderRole:
    """Gives orders of one kind to the fleet, and follows those of others."""

    _log = Logger()

    def __init__(
        self,
        manager: PoolManager,
        server: str,
        seconds: Callable[[], float],
        kind: OrderKind,
    ) -> None:
        self._kind = kind
        self.name = kind.name
        self._manager = manager
        self._server = server
        self._seconds = seconds
        self._codec = Codec(SharedOrder)
        self._telling: set[MemberKey] = set()
        self._mine: set[MemberKey] = set()
        """Members under an order of the fleet."""
        self.orders = FleetOrders()

    def begin(self) -> None:
        """Nothing is known of the store yet, which is the first one."""

    def give(
        self, store: Store, member: MemberKey, order: SharedOrder
    ) -> Deferred[Given]:
        """Tell the fleet of an order that this server follows already.

        Fails with `OverruledError`.  What the store does not take now waits for it.
        """
        self.keep(member, order)
        return self._tell(store, member)

    def keep(self, member: MemberKey, order: SharedOrder) -> None:
        """Have an order that this server follows already wait for the store."""
        self.orders.wait(member, None if self._kind.lifts(order) else order)

    def _tell(self, store: Store, member: MemberKey) -> Deferred[Given]:
        """Tell the store of an order that waits."""
        waiting = self.orders.waiting[member]
        if waiting.order is None and not waiting.based_on:
            # There is nothing to take back.
            del self.orders.waiting[member]
            done: Deferred[Given] = Deferred()
            done.callback(Given(store.status().revision))
            return done
        value = None if waiting.order is None else self._codec.pack(waiting.order)
        self._telling.add(member)
        telling = store.give(key_of(self.name, member), value, waiting.based_on)

        def taken(revision: int) -> Given:
            self._telling.discard(member)
            if self.orders.waiting.get(member) is waiting:
                del self.orders.waiting[member]
            self.orders.hear(member, waiting.order, revision)
            self._mine.add(member)
            return Given(revision)

        def refused(failure: Failure) -> Given:
            self._telling.discard(member)
            failure.trap(StoreError)
            if isinstance(failure.value, StaleError):
                self._overrule(member, failure.value)
            return Given(None)

        return telling.addCallbacks(taken, refused)

    def _overrule(self, member: MemberKey, stale: StaleError) -> None:
        """Follow the order that was given meanwhile.  Raises `OverruledError`."""
        try:
            other = None if stale.value is None else self._codec.read(stale.value)
        except ValueError:
            other = None
        text = self.orders.overruled(member, other, self._seconds())
        self._log.warn("an order is overruled: {text}", text=text)
        self.orders.hear(member, other, stale.revision)
        self._follow(member, other)
        raise OverruledError(text)

    def hear(self, key: str, value: bytes | None, revision: int) -> None:
        """Follow what was ordered, here or elsewhere."""
        member = member_of(self.name, key)
        if member is None:
            return
        order = None if value is None else self._codec.read(value)
        if self.orders.hear(member, order, revision) and member not in self._telling:
            # What waits here was based on what is no longer so.
            if member in self.orders.waiting:
                text = self.orders.overruled(member, order, self._seconds())
                self._log.warn("an order is overruled: {text}", text=text)
            self._follow(member, order)

    def _follow(self, member: MemberKey, order: SharedOrder | None) -> None:
        pool, name = member
        now = self._seconds()
        view = self._manager.views.get(pool)
        if view is None or name not in view.member_states:
            return  # a server with other pools
        if order is None or (order.until is not None and order.until <= now):
            self._mine.discard(member)
            order = None
        else:
            self._mine.add(member)
        try:
            self._kind.follow(self._manager, member, order, now)
        except (UnknownPoolError, UnknownMemberError, ValueError):
            self._log.warn("an order to {pool}/{name} is lost", pool=pool, name=name)

    def caught_up(self) -> None:
        """Lift the orders of the fleet that are no longer there."""
        standing = self.orders.standing()
        for member in self._mine - standing.keys():
            if member not in self.orders.waiting:
                self._follow(member, None)

    def reconfigured(self) -> None:
        """Pools have changed: follow the orders to members that are new."""
        for member, one in self.orders.standing().items():
            if member not in self._mine:
                self._follow(member, one.order)

    def tick(self) -> None:
        """Nothing fades: orders end by their own time."""

    def see_to(self, store: Store) -> None:
        """Tell the store what waits, and take away what is over."""
        for member in tuple(self.orders.waiting):
            if member not in self._telling:
                self._tell(store, member).addErrback(_settled)
        for member in self.orders.over(self._seconds()):
            if member not in self._telling and member not in self.orders.waiting:
                based_on = self.orders.revision(member)
                store.give(key_of(self.name, member), None, based_on).addErrback(
                    _settled
                )


def _settled(failure: Failure) -> None:
    """It will be tried again, or another server has done it."""
    failure.trap(StoreError, OverruledError)
