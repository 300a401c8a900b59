"""Who is given when nobody of a pool is usable: what `when_down` says."""

from collections.abc import Callable, Container, Mapping
from typing import Generic, NamedTuple, TypeVar

from dinamed.pools.members import Candidates, Family, Member

View = TypeVar("View")


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


def too_few(usable: Candidates, members: Candidates, least: float) -> bool:
    """Whether the usable members have less than the share `least` of all weight."""
    if not least:
        return False
    up = sum(member.weight for member in usable)
    return up < least * sum(member.weight for member in members)


def consequence(pool: str, rule: str, given: bool) -> str:
    """What becomes of the clients of a pool that is down, in a sentence.

    `given`: anybody is handed out in place of usable members.
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
    return f'{pool} has no usable member now: {what} (when_down = "{rule}")'


def remark(
    rule: str, family: Family, whole: bool, fallback: bool, too_few: bool = False
) -> str:
    """A remark on the substitute; `whole`: no member is usable for any family.

    With `too_few` some are, but fewer than the pool must have.
    """
    lacking = "no usable member" if whole else f"nobody has IPv{family} that works"
    if too_few:
        lacking = "too few usable members"
    if fallback:
        return f"{lacking}: pool {rule} stands in"
    return f'{lacking}: when_down = "{rule}"'


def weighted(members: Candidates, could: Callable[[Member], bool]) -> Candidates:
    """The members that could be given: those of weight 0 never are."""
    return tuple(member for member in members if member.weight and could(member))
