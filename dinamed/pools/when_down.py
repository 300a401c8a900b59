"""Who is given when nobody of a pool is usable: what `when_down` says."""

from collections.abc import Callable, Container, Mapping
from typing import Generic, NamedTuple, TypeVar

from dinamed.pools.members import Candidates, Family, Member

View = TypeVar("View")

NOBODY = "no usable member"
ROUNDING = 1e-9
"""The share by which sums of weights may be off for their rounding."""


class Substitute(NamedTuple, Generic[View]):
    """Members that are put in place, usable or not, or a pool that answers instead."""

    candidates: Candidates
    fallback: View | None = None


def substitute(
    rule: str,
    everyone: Candidates,
    last: Container[str],
    inner: Mapping[str, View],
) -> Substitute[View]:
    """The substitute that a rule gives where no member is usable.

    `everyone` are the members that could be given, `last` the names of those that were
    usable when any last was, `inner` the pools that a rule may name.
    """
    match rule:
        case "none":
            return Substitute(())
        case "all":
            return Substitute(everyone)
        case "last":
            kept = tuple(member for member in everyone if member.name in last)
            return Substitute(kept or everyone)
        case _:
            return Substitute((), inner[rule])


def shortage(usable: Candidates, whole: float, least: float) -> str:
    """In words what a pool lacks; "" for one that is up.

    `usable` are members, `whole` is the weight of all when all is well, and `least` the
    share of it that the usable ones must have.
    """
    if not usable:
        return NOBODY
    up = sum(member.weight for member in usable)
    if up >= least * whole * (1 - ROUNDING):
        return ""
    return f"too few usable members ({up:g} of {whole:g} by weight, {least:g} wanted)"


def consequence(pool: str, lacking: str, rule: str, given: bool) -> str:
    """What becomes of the clients of a pool that is down, in a sentence.

    `lacking` says what it has not; `given`: anybody is handed out in place of usable
    members.
    """
    match rule:
        case _ if not given:
            what = "names bound to it have no address"
        case "all":
            what = "all are handed out"
        case "last":
            what = "those that were usable last are handed out"
        case _:
            what = f"pool {rule} stands in"
    return f'{pool} has {lacking} now: {what} (when_down = "{rule}")'


def remark(rule: str, family: Family, lacking: str, fallback: bool) -> str:
    """A remark on the substitute.

    `lacking` says what the pool has not; "": nothing but addresses of this family.
    """
    lacking = lacking or f"nobody has IPv{family} that works"
    if fallback:
        return f"{lacking}: pool {rule} stands in"
    return f'{lacking}: when_down = "{rule}"'


def weighted(members: Candidates, could: Callable[[Member], bool]) -> Candidates:
    """The members that could be given: those of weight 0 never are."""
    return tuple(member for member in members if member.weight and could(member))
