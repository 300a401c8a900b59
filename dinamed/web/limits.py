"""How often one client may ask: a token bucket for each."""

import ipaddress
from collections.abc import Callable

from dinamed.generations import Generations

RATE = 200.0
"""Requests a second that a client may make on average."""
BURST = 1000.0
"""Requests that it may make at once after a pause."""
REMEMBERED = 4096
"""Clients that are remembered at least; the one that asks is among them."""


class TokenBucket:
    """The tokens that one client has left, as of a moment."""

    __slots__ = ("at", "left")

    def __init__(self, left: float, at: float) -> None:
        self.left = left
        self.at = at


class RateLimit:
    """Limits the request rate of each client.

    `seconds` is a steady clock.  IPv6 clients of one /64 share a bucket, for each of
    them can have all of its addresses.
    """

    def __init__(
        self, seconds: Callable[[], float], rate: float = RATE, burst: float = BURST
    ) -> None:
        self._seconds = seconds
        self._rate = rate
        self._burst = burst
        self._buckets: Generations[str, TokenBucket] = Generations(REMEMBERED)

    def wait(self, host: str) -> float:
        """Count a request; 0 if it may be answered, else seconds until one may."""
        now = self._seconds()
        key = _key(host)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = TokenBucket(self._burst, now)
            self._buckets.put(key, bucket)
        gained = max(0.0, now - bucket.at) * self._rate
        bucket.left = min(self._burst, bucket.left + gained)
        bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) / self._rate
        bucket.left -= 1
        return 0.0


def _key(host: str) -> str:
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return address.packed[:8].hex()
