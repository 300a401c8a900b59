"""What servers of a pool tell each other of their hand-outs, in values.

All times are in seconds left or passed at the moment for which they were said, so
clocks need not agree.
"""

from typing import NamedTuple

import msgspec


class SharedLease(msgspec.Struct, frozen=True, array_like=True):
    """Leases of a member that end at about the same time: `rate` is that of all."""

    member: str
    left: float
    rate: float
    count: int


class SharedResolver(msgspec.Struct, frozen=True, array_like=True):
    """A resolver that has asked: its last answer ends in `left` seconds.

    `key` is that of `dinamed.pools.resolvers`; `gap` its smoothed gap in seconds and
    `rate` the clients per second behind it; `families` a bit for each family that has
    asked for that answer, `members` whom it names.
    """

    key: bytes
    left: float
    gap: float
    rate: float
    families: int
    members: tuple[str, ...]


class SharedHandOuts(msgspec.Struct, frozen=True, array_like=True):
    """What one server tells of one pool.

    `totals` are the hand-outs by member since that server started, `leases` and
    `resolvers` what has come since it told the last time.
    """

    totals: dict[str, int] = {}
    leases: tuple[SharedLease, ...] = ()
    resolvers: tuple[SharedResolver, ...] = ()


class ForeignHandOuts(NamedTuple):
    """What a server has learned of another one's hand-outs from one pool.

    `counts` were handed out in a span of `lapse` seconds that ended `age` seconds ago,
    which is also how old `leases` and `resolvers` are.
    """

    counts: dict[str, int]
    lapse: float
    age: float
    leases: tuple[SharedLease, ...]
    resolvers: tuple[SharedResolver, ...]
