"""What routes hold of members: their records, and numbers that stand for things."""

from collections.abc import Container
from hashlib import blake2b
from typing import NamedTuple

from dinamed.plane.native_rules import FAMILIES
from dinamed.plans.plan import PoolAnswer, Wanted
from dinamed.plans.reply import address_record, text_rdata
from dinamed.pools.members import Candidates, Family, Member
from dinamed.pools.pool import PoolView
from dinamed.pools.stages.protocol import Prepared
from dinamed.pools.stages.weighted import AliasTable, alias_columns
from dinamed.wire.constants import Type
from dinamed.wire.render import rdata_record

SPARE = 64
"""Members that have gone of which things may be kept, and as many as a pool has."""
ALL_BITS = (1 << 64) - 1
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


class MemberCell(NamedTuple):
    """What a route has of one member."""

    records: bytes
    """Without their owner."""
    identity: int
    """Of its addresses; 64 bits."""


class RouteRecords:
    """What routes are made of, kept for those members that stay."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, Family], tuple[int, dict[Member, MemberCell]]] = {}
        self._columns: dict[str, tuple[list[float], tuple[list[int], list[int]]]] = {}

    def keep(self, pools: Container[str]) -> None:
        """Forget all pools but these."""
        for name in [name for name in self._columns if name not in pools]:
            del self._columns[name]
        for key in [key for key in self._cells if key[0] not in pools]:
            del self._cells[key]

    def cells(
        self, view: PoolView, members: Candidates, family: Family
    ) -> list[MemberCell]:
        """What routes have of these members of a pool."""
        key = view.name, family
        ttl, cells = self._cells.get(key, (view.ttl, {}))
        if ttl != view.ttl:
            cells = {}
        elif len(cells) > 2 * len(view.members) + SPARE:
            cells = {one: cells[one] for one in view.members if one in cells}
        self._cells[key] = view.ttl, cells
        found = []
        for member in members:
            cell = cells.get(member)
            if cell is None:
                identity = hash(member.addresses(family)) & ALL_BITS
                cell = MemberCell(records_of(view, member, family), identity)
                cells[member] = cell
            found.append(cell)
        return found

    def columns(
        self, pool: str, weights: list[float], prepared: Prepared
    ) -> tuple[list[int], list[int]]:
        """The alias table of these weights, with limits in 2**-32 of a column.

        It is empty where what is `prepared` draws without one.
        """
        if not isinstance(prepared, AliasTable):
            return [], []
        known, columns = self._columns.get(pool, ([], ([], [])))
        if known != weights:
            limits, aliases = alias_columns(weights)
            columns = [int(limit * 2**32) for limit in limits], aliases
            self._columns[pool] = weights, columns
        return columns


def number_of(what: object) -> int:
    """A number of 64 bits that stands for a value."""
    return int.from_bytes(blake2b(repr(what).encode(), digest_size=8).digest())
