"""When signatures begin and end: on a grid that all servers with a key share.

A signature is made anew every `period`, three quarters of its validity.  The grid of
an RRset is shifted by a number that follows from its owner and type, so that renewals
spread evenly; shifts are whole hours, so that nothing changes but on the hour.
"""

import hashlib
from dataclasses import dataclass

HOUR = 3600
SKEW = HOUR
"""Seconds before its slot that a signature begins, for clocks that are slow."""
DEFAULT_VALIDITY = 14 * 24 * HOUR
MIN_VALIDITY = 4 * HOUR


@dataclass(frozen=True, slots=True)
class Grid:
    """The slots of all signatures of a zone; `validity` is in seconds."""

    validity: int = DEFAULT_VALIDITY

    @property
    def period(self) -> int:
        """Seconds that a signature is given out: whole hours."""
        return max(HOUR, self.validity * 3 // 4 // HOUR * HOUR)

    @property
    def reserve(self) -> int:
        """Seconds that a signature is still good for when it is last given out."""
        return self.validity - self.period

    @property
    def refresh(self) -> int:
        """Seconds from one version of the whole signed zone to the next, as secondaries
        get it: whole hours, several within the reserve."""
        return max(HOUR, self.reserve // 4 // HOUR * HOUR)

    def version(self, now: float) -> int:
        """The number of the version of this moment; `refresh` times that it began."""
        return int(now) // self.refresh

    def slot(self, owner: bytes, rrtype: int, now: float) -> int:
        """The Unix time at which the slot of this moment began."""
        seed = owner.lower() + rrtype.to_bytes(2, "big")
        digest = hashlib.blake2b(seed, digest_size=8).digest()
        period = self.period
        shift = int.from_bytes(digest, "big") % (period // HOUR) * HOUR
        return (int(now) - shift) // period * period + shift

    def times(self, slot: int) -> tuple[int, int]:
        """Inception and expiration of the signatures of a slot, Unix time."""
        return slot - SKEW, slot + self.validity

    def next_change(self, now: float) -> int:
        """The next moment at which any signature may be another: the full hour."""
        return (int(now) // HOUR + 1) * HOUR
