"""Members whose config does not say where they are: by their addresses."""

from ipaddress import ip_address

from msgspec.structs import replace

from dinamed.config.settings import MemberSettings, PoolSettings
from dinamed.geo.locator import Locates

BY_DISTANCE = frozenset({"nearest", "spill"})
"""Stages for which it counts where members are."""


def located(pool: PoolSettings, locator: Locates) -> PoolSettings:
    """The pool with the places of its members, where distances count in it.

    Only members without any place of their own get one.  Beside `country` none does,
    for there it means something to be nowhere.
    """
    stages = {stage.name for stage in pool.select}
    if not stages & BY_DISTANCE or "country" in stages:
        return pool
    return with_locations(pool, locator)


def with_locations(pool: PoolSettings, locator: Locates) -> PoolSettings:
    """The pool with the places of all members that have none."""
    members = tuple(_placed(member, locator) for member in pool.members)
    return replace(pool, members=members)


def _placed(member: MemberSettings, locator: Locates) -> MemberSettings:
    nowhere = member.location is None and member.country is None
    if not member.addresses or not nowhere:
        return member
    packed = ip_address(member.addresses[0]).packed
    location = locator.locate(packed, len(packed) * 8).place.location
    return member if location is None else replace(member, location=location)
