"""What routes hold of members: their records, and numbers that stand for things."""

from collections.abc import Container
from hashlib import blake2b
from typing import NamedTuple

from dinamed.plane.route_purposes import FOR_AAAA, FOR_SERVICE, FOR_TEXT, Purpose
from dinamed.plans.draw import member_text
from dinamed.plans.reply import address_record
from dinamed.pools.members import Candidates, Family, Member
from dinamed.pools.pool import PoolView
from dinamed.pools.stages.protocol import Prepared
from dinamed.pools.stages.weighted import AliasTable, alias_columns
from dinamed.wire.constants import Type
from dinamed.wire.render import rdata_record

SPARE = 64
"""Members that have gone of which things may be kept, and as many as a pool has."""
ALL_BITS = (1 << 64) - 1


def records_of(view: PoolView, member: Member, purpose: Purpose) -> bytes:
    """The records of a member, without their owner; of services the A records."""
    if member.inner is not None:
        return b""
    if purpose is FOR_TEXT:
        return rdata_record(b"", Type.TXT, view.ttl, member_text(member))
    family: Family = purpose.family or 4
    addresses = member.addresses(family)
    return b"".join(address_record(b"", family, view.ttl, one) for one in addresses)


class MemberCell(NamedTuple):
    """What a route has of one member."""

    records: bytes
    """Without their owner."""
    identity: int
    """Of its addresses; 64 bits."""
    records6: bytes
    """For services, of IPv6; those above are of IPv4 then."""


class RouteRecords:
    """What routes are made of, kept for those members that stay."""

    def __init__(self) -> None:
        self._cells: dict[
            tuple[str, Purpose], tuple[int, dict[Member, MemberCell]]
        ] = {}
        self._columns: dict[str, tuple[list[float], tuple[list[int], list[int]]]] = {}

    def keep(self, pools: Container[str]) -> None:
        """Forget all pools but these."""
        for name in [name for name in self._columns if name not in pools]:
            del self._columns[name]
        for key in [key for key in self._cells if key[0] not in pools]:
            del self._cells[key]

    def cells(
        self, view: PoolView, members: Candidates, purpose: Purpose
    ) -> list[MemberCell]:
        """What routes have of these members of a pool."""
        key = view.name, purpose
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
                identity = hash(member.addresses(purpose.family)) & ALL_BITS
                cell = MemberCell(
                    records_of(view, member, purpose),
                    identity,
                    records_of(view, member, FOR_AAAA)
                    if purpose is FOR_SERVICE
                    else b"",
                )
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
