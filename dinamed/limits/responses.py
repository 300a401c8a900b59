"""Response rate limiting: a bucket for each client network and kind of reply.

A flood of queries with forged addresses makes a name server send its replies to whoever
has those addresses.  All of them go to one network and are of few kinds, which honest
resolvers, who remember what they were told, do not ask for so often.
"""

from collections.abc import Iterable
from enum import IntEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Protocol

from dinamed.generations import Generations

REMEMBERED = 65536
"""Buckets in the young generation, about 170 octets each."""
BURST = 1.0
"""Seconds of the rate that may come at once."""
_GRAIN = 1e-6  # of Unix time as a float, with some room
_OCTETS_4, _OCTETS_6 = 3, 7  # /24 and /56

Network = IPv4Network | IPv6Network


class RateAction(IntEnum):
    """What happens to a reply: it passes, slips (leaves truncated) or is dropped."""

    PASS = 0
    SLIP = 1
    """It leaves truncated and empty, so that an honest client asks again over TCP."""
    DROP = 2


class SharedRateTable(Protocol):
    """Buckets of the same rules outside of this process's heap, shared with threads."""

    @property
    def over(self) -> int:
        """As that of `ResponseLimiter`."""

    @property
    def slipped(self) -> int:
        """As that of `ResponseLimiter`."""

    def judge(self, source: bytes, kind: bytes, now: float) -> int:
        """The `RateAction`, as a number."""


class ResponseLimiter:
    """Passes `rate` replies a second for each network and kind of reply.

    Every `slip`-th of the others leaves truncated; 0: none.  A network is a /24 of
    IPv4 or a /56 of IPv6; those in `exempt` have no limit.  Memory is bounded: buckets
    that were not used lately are forgotten, and so are full again.
    """

    def __init__(
        self, rate: float, slip: int = 2, exempt: Iterable[Network] = ()
    ) -> None:
        if rate <= 0:
            raise ValueError("the rate must be over 0")
        self.rate = rate
        self.slip = slip
        self.exempt = tuple(exempt)
        self._book: SharedRateTable | None = None
        self._step = 1.0 / rate
        # A bucket is the time at which it will be full again.  A reply moves that by
        # one step, and may do so while it is less than a burst ahead.
        self._ahead = max(0.0, BURST - self._step) + _GRAIN
        self._farthest = max(BURST, self._step) + 2 * _GRAIN
        self._full_at: Generations[int, float] = Generations(REMEMBERED)
        self._over = 0
        self._slipped = 0

    @property
    def over(self) -> int:
        """Replies that were over the limit, exempt clients' apart."""
        return self._over if self._book is None else self._over + self._book.over

    @property
    def slipped(self) -> int:
        """How many of them left truncated."""
        return (
            self._slipped if self._book is None else self._slipped + self._book.slipped
        )

    @property
    def dropped(self) -> int:
        """Replies that did not leave."""
        return self.over - self.slipped

    def like(self, other: "ResponseLimiter | None") -> bool:
        """Whether another one has the same rules."""
        return other is not None and (
            (other.rate, other.slip, other.exempt)
            == (self.rate, self.slip, self.exempt)
        )

    def share(self, shared: SharedRateTable) -> None:
        """Keep the buckets in a shared table from now on."""
        self._book = shared

    @property
    def shared(self) -> SharedRateTable | None:
        """Where the buckets are, if not here."""
        return self._book

    def judge(self, source: bytes, kind: bytes, now: float) -> RateAction:
        """Take one reply of a kind to a packed address out of its bucket.

        `now` is in seconds, of a clock that may be set: a bucket that would be full
        only later than it can be is a full one.
        """
        if self._book is not None:
            return RateAction(self._book.judge(source, kind, now))
        size = _OCTETS_4 if len(source) == 4 else _OCTETS_6
        # Python's hash has a secret of the process, so nobody can find collisions.
        key = hash(source[:size] + kind)
        full_at = self._full_at.young.get(key) or self._full_at.get(key) or 0.0
        ahead = full_at - now
        if ahead <= 0 or ahead > self._farthest:
            self._full_at.put(key, now + self._step)
            return RateAction.PASS
        if ahead <= self._ahead:
            self._full_at.put(key, full_at + self._step)
            return RateAction.PASS
        if self.exempt and self._is_exempt(source):
            return RateAction.PASS
        self._over += 1
        if self.slip and self._over % self.slip == 0:
            self._slipped += 1
            return RateAction.SLIP
        return RateAction.DROP

    def _is_exempt(self, source: bytes) -> bool:
        address = ip_address(source)
        return any(
            address in network
            for network in self.exempt
            if network.version == address.version
        )
