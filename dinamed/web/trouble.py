"""Which members an operator wants to see first: those that are out or over."""

from collections.abc import Mapping

from dinamed.pools.members import Member
from dinamed.pools.pool import PoolView
from dinamed.pools.states import State

OVER = 0.9
"""Share of the capacity from which on a member is over."""

KINDS = ("down", "over", "drain", "out", "up")
"""Members by what is the matter with them, the worst first; `out` are those that are
not handed out for another reason, such as a weight of 0."""


def kind_of(
    view: PoolView, member: Member, foreseen: Mapping[Member, float], now: float
) -> str:
    """Which of `KINDS` the member is; `foreseen` are loads that are predicted."""
    state = view.state(member)
    if state is State.DOWN:
        return "down"
    if state is State.DRAIN:
        return "drain"
    if view.why_out(member):
        return "out"
    load = max(view.load_of(member, now) or 0.0, foreseen.get(member, 0.0))
    return "over" if load >= OVER * member.capacity else "up"
