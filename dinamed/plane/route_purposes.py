"""What the routes into a pool are for."""

from random import Random
from typing import NamedTuple

from dinamed.geo.place import Place
from dinamed.plans.plan import PoolAnswer, ServiceAnswer, Wanted
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.members import Family


class Purpose(NamedTuple):
    """What a route into a pool is for: members with addresses of a family, or any (0).

    `quiet`: nobody is handed out.
    """

    family: Family
    quiet: bool = False


FOR_A, FOR_AAAA, FOR_TEXT = Purpose(4), Purpose(6), Purpose(0, quiet=True)
FOR_SERVICE = Purpose(0)
"""For hints in HTTPS and SVCB, and the addresses beside them."""
PURPOSES = (FOR_A, FOR_AAAA, FOR_TEXT, FOR_SERVICE)
"""The routes into each pool, in their order."""

SPANS = {FOR_A: 14, FOR_AAAA: 26, FOR_TEXT: 0, FOR_SERVICE: 14}
"""Octets of a record without its owner; 0: they differ."""


def purpose_of(plan: PoolAnswer | ServiceAnswer) -> Purpose:
    """What a plan needs a route for."""
    if isinstance(plan, ServiceAnswer):
        return FOR_SERVICE
    purposes = {Wanted.TEXT: FOR_TEXT, Wanted.A: FOR_A, Wanted.AAAA: FOR_AAAA}
    return purposes[plan.wanted]


def told_place(plan: PoolAnswer | ServiceAnswer) -> Place | None:
    """Where to take clients to be, if the name has told."""
    return plan.place if isinstance(plan, PoolAnswer) else None


def look(
    client: Client,
    snapshot: Snapshot,
    plan: PoolAnswer | ServiceAnswer,
    now: float,
    rng: Random,
) -> DrawContext:
    """A look at what the stages would do for a client; `now` is Unix time."""
    return DrawContext(
        client,
        purpose_of(plan).family,
        now,
        rng,
        False,
        locator=snapshot.locator,
        told_place=told_place(plan),
    )
