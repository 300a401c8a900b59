"""What the routes into a pool are for, and what they hold of members."""

from hashlib import blake2b
from random import Random
from typing import NamedTuple

from dinamed.geo.place import Place
from dinamed.plans.draw import member_text
from dinamed.plans.plan import PoolAnswer, ServiceAnswer, Wanted
from dinamed.plans.reply import address_record
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.members import Family, Member
from dinamed.pools.pool import PoolView
from dinamed.wire.constants import Type
from dinamed.wire.render import rdata_record


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


def records_of(view: PoolView, member: Member, purpose: Purpose) -> bytes:
    """The records of a member, without their owner; of services the A records."""
    if member.inner is not None:
        return b""
    if purpose is FOR_TEXT:
        return rdata_record(b"", Type.TXT, view.ttl, member_text(member))
    family: Family = purpose.family or 4
    addresses = member.addresses(family)
    return b"".join(address_record(b"", family, view.ttl, one) for one in addresses)


def number_of(what: object) -> int:
    """A number of 64 bits that stands for a value."""
    return int.from_bytes(blake2b(repr(what).encode(), digest_size=8).digest())
