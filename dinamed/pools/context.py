"""The client and the circumstances that a choice depends on beside the pool."""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from dinamed.geo.locator import Locates
from dinamed.geo.place import NOWHERE, Place
from dinamed.pools.members import Family
from dinamed.pools.recorder import Recorder


class Client(NamedTuple):
    """Whom an answer is for.

    `address` is packed, 4 or 16 bytes; `prefix` is how many of its bits are known to
    be the client's (all of them for a plain address, the source prefix length for a
    client subnet, RFC 7871); `subnet` tells that it came from such an option.
    """

    address: bytes
    prefix: int
    subnet: bool = False

    @classmethod
    def at(cls, address: bytes) -> "Client":
        """A client known by its whole packed address."""
        return cls(address, len(address) * 8)


@dataclass(slots=True, eq=False)
class DrawContext:
    """One question to a pool.

    With `count` false the choice is only a look: it advances nothing and is not a
    hand-out.  `scope` grows to the longest client prefix that the choice depended
    on; use a fresh context (or set it to 0) for each question.

    A picking stage may set `ttl`, which comes in as the pool's, and `again` where it
    repeats an answer that is booked already.
    """

    client: Client
    family: Family
    now: float
    rng: Random
    count: bool = True
    recorder: Recorder | None = None
    scope: int = 0
    ttl: int = 0
    again: bool = False
    locator: Locates | None = None
    name: bytes = b""
    """The name of the question, in lower case; empty where there is none."""
    told_place: Place | None = None
    """The place to take the client to be in, wherever it is."""
    located: Place | None = None
    """Where the client was found to be, once anybody wanted to know."""

    @property
    def place(self) -> Place:
        """Where the client is; takes down the prefix that this depends on."""
        if self.told_place is not None:
            return self.told_place
        if self.located is None:
            if self.locator is None:
                return NOWHERE
            located = self.locator.locate(self.client.address, self.client.prefix)
            self.used(located.scope)
            self.located = located.place
        return self.located

    def used(self, bits: int) -> None:
        """Record that the choice depended on so many bits of the client."""
        if bits > self.scope:
            self.scope = bits
