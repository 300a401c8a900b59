"""What is known by address and family, as pages and the API have it."""

from dinamed.plans.context import unpacked
from dinamed.pools.members import Member
from dinamed.pools.pool import FAMILIES, PoolView


def addresses_out(view: PoolView, member: Member) -> dict[str, str]:
    """The addresses of a member that is up which are not handed out, and why."""
    out = view.addresses_out(member)
    return {unpacked(address): reason for address, reason in out.items()}


def families_down(view: PoolView) -> tuple[str, ...]:
    """The families for which `when_down` decides: nobody's address works."""
    return tuple(f"IPv{family}" for family in FAMILIES if view.is_down(family))
