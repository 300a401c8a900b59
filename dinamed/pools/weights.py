"""The weights that members have now: by order, and by what is usable in a pool."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from dinamed.pools.entries import PoolEntry
from dinamed.pools.members import Candidates, Member


class Weighs(Protocol):
    """What the weight of a member depends on in the pool that it stands for."""

    @property
    def usable_weight(self) -> float:
        """The sum of the weights of its usable members."""


def weighed(entry: PoolEntry, views: Mapping[str, Weighs]) -> Candidates:
    """The members of a pool with the weights that they have now.

    Members are known by identity: one whose weight stays is the same object.
    """
    plain = all(state.weight is None for state in entry.member_states.values())
    if plain and all(member.times is None for member in entry.members):
        entry.weighted = {}
        return entry.members
    found = []
    kept: dict[str, tuple[Member, Member]] = {}
    for member in entry.members:
        weight, times = _weight(entry, member, views)
        if weight == member.weight and times == member.times:
            found.append(member)
            continue
        known = entry.weighted.get(member.name)
        if known is None or known[0] is not member or known[1].weight != weight:
            known = member, replace(member, weight=weight, times=times)
        kept[member.name] = known
        found.append(known[1])
    entry.weighted = kept
    return tuple(found) if kept else entry.members


def _weight(
    entry: PoolEntry, member: Member, views: Mapping[str, Weighs]
) -> tuple[float, float | None]:
    """The weight of a member, and how many times that of its pool this is."""
    ordered = entry.member_states[member.name].weight
    if member.times is None or member.inner is None:
        return member.weight if ordered is None else ordered, None
    times = member.times if ordered is None else ordered
    return times * views[member.inner].usable_weight, times
