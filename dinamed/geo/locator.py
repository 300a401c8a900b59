"""One longest-prefix view of all that is known of clients' places."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from dinamed.generations import Generations
from dinamed.geo.place import NOWHERE, Place, merged
from dinamed.geo.prefixes import PrefixTable
from dinamed.geo.unwrap import Unwrapped, unwrap

REMEMBERED = 8192
"""How many clients' places are kept at least (and twice that at most)."""


class GeoSource(Protocol):
    """A source that finds places by address."""

    def look_up(self, address: bytes) -> tuple[Place | None, int]:
        """The place of a packed address, and the prefix length that it holds for."""


class Locates(Protocol):
    """Anything that can locate clients."""

    def locate(self, address: bytes, prefix: int) -> "Located":
        """Where a client is of whose packed address `prefix` bits are known."""
        ...


class Located(NamedTuple):
    """Where a client is.

    `scope` is the length of a prefix of the client's address in which everyone is at
    this same place, never more than what is known of the address.
    """

    place: Place
    scope: int


UNKNOWN = Located(NOWHERE, 0)
"""Where everyone is when nobody knows anything."""


class Locator:
    """Finds the places of clients.

    The operator's networks come first, then the databases in order; each one fills
    in what those before it left open.  Immutable but for what it remembers: to
    change anything, make a new one and swap.
    """

    __slots__ = ("_empty", "_remembered", "databases", "networks")

    @property
    def empty(self) -> bool:
        """Whether nothing is known of anybody."""
        return self._empty

    def __init__(
        self,
        networks: PrefixTable[Place] | None = None,
        databases: Sequence[GeoSource] = (),
        remembered: int = REMEMBERED,
    ) -> None:
        self.networks: PrefixTable[Place] = (
            PrefixTable() if networks is None else networks
        )
        self.databases = tuple(databases)
        self._empty = not self.networks and not self.databases
        self._remembered: Generations[tuple[bytes, int], Located] = Generations(
            remembered
        )

    def locate(self, address: bytes, prefix: int) -> Located:
        """Where the client is whose packed address begins with these `prefix` bits.

        With 0 known bits that is nowhere (RFC 7871 section 7.1.2: do not tailor).
        """
        if self._empty or prefix <= 0:
            return UNKNOWN
        key = (address, prefix)
        found = self._remembered.young.get(key) or self._remembered.get(key)
        if found is None:
            found = self._locate(address, prefix)
            self._remembered.put(key, found)
        return found

    def _locate(self, address: bytes, prefix: int) -> Located:
        whole = len(address) * 8
        if prefix < whole:
            unknown = whole - prefix
            number = int.from_bytes(address) >> unknown << unknown
            address = number.to_bytes(len(address))
        client = unwrap(address, prefix)
        place, scope = self._look_up(client)
        return Located(place, min(client.scope(scope), prefix))

    def sources_for(self, address: bytes, prefix: int) -> int | None:
        """How many sources `locate` asks for a client: the networks, then databases.

        0 where nothing is known at all; None where a database met nonsense, for then
        what holds for this client holds for no one else.
        """
        if self._empty or prefix <= 0:
            return 0
        client = unwrap(address, prefix)
        place = self.networks.look_up(client.address).value or NOWHERE
        asked = 1
        for database in self.databases:
            if place.complete:
                break
            failures = getattr(database, "failures", 0)
            told, _ = database.look_up(client.address)
            if getattr(database, "failures", 0) != failures:
                return None
            asked += 1
            if told is not None:
                place = merged(place, told)
        return asked

    def _look_up(self, client: Unwrapped) -> tuple[Place, int]:
        """Ask the sources; the scope is the longest that any of them gave."""
        match = self.networks.look_up(client.address)
        place = match.value or NOWHERE
        scope = match.scope
        for database in self.databases:
            if place.complete:
                break
            told, length = database.look_up(client.address)
            scope = max(scope, length)
            if told is not None:
                place = merged(place, told)
        return place, scope
