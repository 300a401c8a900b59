"""Orders of the fleet: which hold, on which revision each stands, and what waits.

The store decides: of two orders to one member the later revision holds.  What was
ordered while the store could not be had waits here with the revision on which it was
based; if another order was given meanwhile that one holds.
"""

from dataclasses import dataclass

from dinamed.fleet.records import SharedOrder

MOST_CONFLICTS = 50
"""Orders that were overruled of which is known."""

MemberKey = tuple[str, str]
"""Pool and member."""


def key_of(kind: str, member: MemberKey) -> str:
    """The key of orders of a kind to a member; a slash in a name is written `%2F`."""
    pool, name = (part.replace("%", "%25").replace("/", "%2F") for part in member)
    return f"{kind}/{pool}/{name}"


def member_of(kind: str, key: str) -> MemberKey | None:
    """The member whose orders of a kind are under a key; None: it is no such key."""
    pool, slash, name = key.removeprefix(f"{kind}/").partition("/")
    if not key.startswith(f"{kind}/") or not slash or "/" in name:
        return None
    pool, name = (one.replace("%2F", "/").replace("%25", "%") for one in (pool, name))
    return pool, name


@dataclass(frozen=True, slots=True)
class Standing:
    """The order to a member at a revision of the store; None: it was taken back."""

    order: SharedOrder | None
    revision: int


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """An order given here that the store does not know of yet."""

    order: SharedOrder | None
    based_on: int


class FleetOrders:
    """What is known of the orders of all servers."""

    def __init__(self) -> None:
        self._standing: dict[MemberKey, Standing] = {}
        self.waiting: dict[MemberKey, WaitingOrder] = {}
        self.conflicts: list[tuple[float, str]] = []
        """When (Unix time) an order from here was overruled, and by what."""

    def revision(self, member: MemberKey) -> int:
        """The revision on which an order to that member is to be based now."""
        standing = self._standing.get(member)
        gone = standing is None or standing.order is None
        return 0 if standing is None or gone else standing.revision

    def standing(self) -> dict[MemberKey, Standing]:
        """The orders that hold, by member."""
        return {m: one for m, one in self._standing.items() if one.order is not None}

    def hear(self, member: MemberKey, order: SharedOrder | None, revision: int) -> bool:
        """Take what the store says; whether it is news."""
        before = self._standing.get(member)
        if before is not None and revision <= before.revision:
            return False
        if order is None:
            self._standing.pop(member, None)
        else:
            self._standing[member] = Standing(order, revision)
        return True

    def wait(self, member: MemberKey, order: SharedOrder | None) -> None:
        """Keep an order until the store can be told."""
        before = self.waiting.get(member)
        based = self.revision(member) if before is None else before.based_on
        self.waiting[member] = WaitingOrder(order, based)

    def overruled(self, member: MemberKey, by: SharedOrder | None, now: float) -> str:
        """Take down that an order from here does not hold; says which does."""
        self.waiting.pop(member, None)
        pool, name = member
        whose = "another server" if by is None else (by.by or by.where or "another")
        what = "auto" if by is None else str(by.order)
        if by is not None and by.weight is not None:
            what = f"weight {by.weight:g}"
        text = f"{pool}/{name}: changed meanwhile to {what} by {whose}"
        self.conflicts = [*self.conflicts, (now, text)][-MOST_CONFLICTS:]
        return text

    def over(self, now: float) -> list[MemberKey]:
        """Members whose orders have lapsed by that Unix time."""
        return [
            member
            for member, one in self._standing.items()
            if one.order is not None
            and one.order.until is not None
            and one.order.until <= now
        ]
