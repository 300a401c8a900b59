"""What a kind of shared values has to be able to do.

A kind registers itself by being given to `FleetService` as a role.  Owned values stand
under `by/SERVER/NAME/CHUNK` and come from one server each; shared ones under `NAME/...`
and belong to nobody.  A later kind is a role more: neither the store nor the peers nor
the other roles know of it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol
from zlib import crc32

if TYPE_CHECKING:
    from dinamed.fleet.store import Store

Values = Iterator[tuple[str, bytes] | None]
"""Chunks and their values, one by one; None where others may have their turn."""

Steps = Iterator[None]
"""Work in steps, between which others may have their turn."""

CHUNK = 65536
"""Octets that a value has at most, about."""


class Sender(Protocol):
    """The server that says something."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def region(self) -> str:
        """Its region; "" if it has none."""

    @property
    def boot(self) -> int:
        """Another number after each of its starts."""

    def age(self, said: float, wall: float) -> float:
        """How many seconds ago it was that time by its clock."""


class OwnedRole(Protocol):
    """A kind of values that each server has of its own."""

    @property
    def name(self) -> str:
        """What the kind is called in keys, and in `[fleet] share`."""

    def values(self) -> Values:
        """All there is to say now; what is as it was is not put again."""

    def hear(self, sender: Sender, chunk: str, value: bytes) -> Steps:
        """Take in what another server says.

        @raise BadRecordError: it can't be used.
        """

    def lost(self, server: str) -> None:
        """A server is gone, or has started anew: forget what it said."""

    def tick(self) -> None:
        """An interval has passed: let fade what fades."""


class SharedRole(Protocol):
    """A kind of values that belong to nobody."""

    @property
    def name(self) -> str:
        """What the kind is called in keys, and in `[fleet] share`."""

    def begin(self) -> None:
        """A store is listened to from now on: nothing of it is known yet."""

    def hear(self, key: str, value: bytes | None, revision: int) -> None:
        """Take in a value; None: it is gone.

        @raise BadRecordError: it can't be used.
        """

    def caught_up(self) -> None:
        """All that the store has was heard."""

    def tick(self) -> None:
        """An interval has passed."""

    def see_to(self, store: "Store") -> None:
        """Do what waits for the store, now that it is there."""


def chunk_of(pool: str, chunks: int) -> str:
    """The chunk of so many (a power of two) that a pool belongs to."""
    return str(crc32(pool.encode()) & (chunks - 1))


def chunks_for(octets: int, before: int) -> int:
    """How many chunks there are to be, for so many octets in all; never fewer.

    Fewer would leave old ones behind.
    """
    chunks = before
    while octets > chunks * CHUNK and chunks < 1024:
        chunks *= 2
    return chunks
