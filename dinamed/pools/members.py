"""Members: the hosts (or inner pools) that a pool hands out."""

import socket
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from dinamed.config import settings

Family = Literal[0, 4, 6]
"""4 for A, 6 for AAAA, 0 where any will do (TXT)."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A host that can be handed out, or a pool standing in for one.

    Members compare by identity: there is one object for each member of a snapshot,
    so that a tuple of members is a cheap key.

    `weight` is a share, 0 is never handed out; `capacity` is in the unit in which
    load is reported; lower `priority` comes first; `location` is latitude and
    longitude in degrees; `bias` is in milliseconds, which are added to its cost.
    Where `times` is not None the weight is that of the usable members of the inner
    pool, so many times.
    """

    pool: str
    name: str
    index: int
    v4: tuple[bytes, ...] = ()
    v6: tuple[bytes, ...] = ()
    inner: str | None = None
    weight: float = 1.0
    capacity: float = 1.0
    country: str | None = None
    location: tuple[float, float] | None = None
    network: str | None = None
    asn: int | None = None
    priority: int = 1
    bias: float = 0.0
    times: float | None = None

    def has(self, family: Family) -> bool:
        """Whether this host has an address of `family` (0: of any).

        Says nothing about inner pools, which have no addresses of their own.
        """
        if family == 4:
            return bool(self.v4)
        if family == 6:
            return bool(self.v6)
        return bool(self.v4 or self.v6)

    def without(self, addresses: Container[bytes]) -> "Member":
        """The same host without some of its addresses."""
        v4 = tuple(one for one in self.v4 if one not in addresses)
        v6 = tuple(one for one in self.v6 if one not in addresses)
        return replace(self, v4=v4, v6=v6)

    def addresses(self, family: Family) -> tuple[bytes, ...]:
        """The packed addresses of `family`; 0: all of them, IPv4 first."""
        if family == 4:
            return self.v4
        if family == 6:
            return self.v6
        return self.v4 + self.v6


Candidates = tuple[Member, ...]
"""What is still in the running, in the order of the config file."""


def from_settings(pool: str, index: int, member: settings.MemberSettings) -> Member:
    """Make a member from its table.

    @raise ValueError: an address is not one.
    """
    v4, v6 = _packed(member.addresses)
    capacity = member.capacity
    if capacity is None:
        capacity = member.weight or 1.0
    return Member(
        pool=pool,
        name=member.name,
        index=index,
        v4=v4,
        v6=v6,
        inner=member.pool,
        weight=member.weight,
        capacity=capacity,
        country=member.country,
        location=member.location,
        network=member.network,
        asn=member.asn,
        priority=member.priority,
        bias=member.bias,
        times=member.weight if member.usable_weight else None,
    )


def _packed(
    addresses: Iterable[str],
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    v4: list[bytes] = []
    v6: list[bytes] = []
    for text in addresses:
        try:
            if ":" in text:
                v6.append(socket.inet_pton(socket.AF_INET6, text))
            else:
                v4.append(socket.inet_pton(socket.AF_INET, text))
        except OSError:
            raise ValueError(f"{text!r} is not an IP address") from None
    return tuple(v4), tuple(v6)
