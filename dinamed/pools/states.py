"""The states of members: what checks have found, and what operators have ordered."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Order(StrEnum):
    """What an operator orders; `auto` leaves it to the checks."""

    AUTO = "auto"
    UP = "up"
    DOWN = "down"
    DRAIN = "drain"


class State(StrEnum):
    """The resulting state of a member; only `up` gets hand-outs."""

    UP = "up"
    DOWN = "down"
    DRAIN = "drain"


@dataclass(frozen=True, slots=True)
class MemberState:
    """The state of a member: its order, and the verdict of its checks.

    `until` is the absolute time at which the order lapses (None: it stays);
    `healthy` is the verdict of the checks (None: there is no check, or no result
    yet); `reason` says why the checks failed, in words; `says_out` tells that by its
    last report the member itself asks not to be handed out; `failing` are the packed
    addresses whose own checks fail, each with the reason.  `by` is whoever gave the
    order, `order_reason` why, in the words of that person; "" if not said.
    """

    order: Order = Order.AUTO
    until: float | None = None
    healthy: bool | None = None
    reason: str = ""
    says_out: bool = False
    failing: tuple[tuple[bytes, str], ...] = ()
    by: str = ""
    order_reason: str = ""

    weight: float | None = None
    """What holds in place of the configured weight, up to the Unix time `weight_until`
    (None: for good); by whom that is, and why."""
    weight_until: float | None = None
    weight_by: str = ""
    weight_reason: str = ""

    @property
    def out_of_the_ordinary(self) -> bool:
        """Whether this says more than that the member, or each address, is up."""
        return (
            self.healthy is False
            or self.order is not Order.AUTO
            or self.says_out
            or bool(self.failing)
        )

    def unweighted(self) -> "MemberState":
        """The same with the configured weight."""
        return replace(
            self, weight=None, weight_until=None, weight_by="", weight_reason=""
        )

    def lifted(self) -> "MemberState":
        """The same without the order."""
        return replace(self, order=Order.AUTO, until=None, by="", order_reason="")

    def effective_order(self, now: float) -> Order:
        """The order in force at `now`: `auto` once it has lapsed."""
        if self.until is not None and now >= self.until:
            return Order.AUTO
        return self.order

    def effective(self, now: float) -> State:
        """The state at `now`.  An operator's order overrides the checks."""
        match self.effective_order(now):
            case Order.UP:
                return State.UP
            case Order.DOWN:
                return State.DOWN
            case Order.DRAIN:
                return State.DRAIN
            case Order.AUTO:
                out = self.healthy is False or self.says_out
                return State.DOWN if out else State.UP

    def addresses_out(self, now: float) -> dict[bytes, str]:
        """The addresses that are not handed out while the member is, and why."""
        auto = self.effective_order(now) is Order.AUTO
        return dict(self.failing) if auto else {}

    def why_out(self, now: float) -> str:
        """In words why this keeps a member from being handed out; "" if it doesn't."""
        order = self.effective_order(now)
        if order is Order.DOWN:
            return f"down by order{self._whose}"
        if order is Order.DRAIN:
            return f"drained by order{self._whose}"
        if order is Order.AUTO and self.healthy is False:
            return f"unhealthy: {self.reason}" if self.reason else "unhealthy"
        if order is Order.AUTO and self.says_out:
            return "member says: out"
        return ""

    @property
    def _whose(self) -> str:
        whose = f" of {self.by}" if self.by else ""
        return f"{whose}: {self.order_reason}" if self.order_reason else whose
