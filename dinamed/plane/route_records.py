"""What routes hold of members: their records, and numbers that stand for things."""

from hashlib import blake2b

from dinamed.plane.native_rules import FAMILIES
from dinamed.plans.plan import PoolAnswer, Wanted
from dinamed.plans.reply import address_record, text_rdata
from dinamed.pools.members import Family, Member
from dinamed.pools.pool import PoolView
from dinamed.wire.constants import Type
from dinamed.wire.render import rdata_record

SPANS: dict[Family, int] = {4: 14, 6: 26, 0: 0}
"""Octets of a record without its owner; 0: they differ."""


def family_of(plan: PoolAnswer) -> Family:
    """The family of members that a plan asks a pool for."""
    return {Wanted.TEXT: FAMILIES[2], Wanted.A: 4, Wanted.AAAA: 6}[plan.wanted]


def records_of(view: PoolView, member: Member, family: Family) -> bytes:
    """The records of a member, without their owner."""
    if member.inner is not None:
        return b""
    if not family:
        text = text_rdata(f"serviced by {member.name}")
        return rdata_record(b"", Type.TXT, view.ttl, text)
    addresses = member.addresses(family)
    return b"".join(address_record(b"", family, view.ttl, one) for one in addresses)


def number_of(what: object) -> int:
    """A number of 64 bits that stands for a value."""
    return int.from_bytes(blake2b(repr(what).encode(), digest_size=8).digest())
