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


def remark(rule: str, family: Family, whole: bool, fallback: bool) -> str:
    """A remark on the substitute; `whole`: no member is usable for any family."""
    lacking = "no usable member" if whole else f"nobody has IPv{family} that works"
    if fallback:
        return f"{lacking}: pool {rule} stands in"
    return f'{lacking}: when_down = "{rule}"'


def weighted(members: Candidates, could: Callable[[Member], bool]) -> Candidates:
    """The members that could be given: those of weight 0 never are."""
    return tuple(member for member in members if member.weight and could(member))
