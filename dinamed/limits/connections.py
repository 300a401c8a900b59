"""Limits on open connections: in all, per network, and per address."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

_Connection = TypeVar("_Connection")

_OCTETS_4, _OCTETS_6 = 3, 7  # /24 and /56


class RefusedError(Exception):
    """This address has as many connections as it may have."""


class ConnectionTable(Protocol[_Connection]):
    """Who keeps connections to the limits; there may be more than are known here."""

    @property
    def open(self) -> int:
        """How many are open."""

    @property
    def refused(self) -> int:
        """Connections that were one too many from their address."""

    @property
    def displaced(self) -> int:
        """Connections that had to go for others."""

    def limit(self, most: int, per_prefix: int, per_client: int) -> None:
        """Hold connections that come from now on to other limits."""

    def admit(self, connection: _Connection, source: bytes) -> _Connection | None:
        """Take one in; returns one that has to go.  Raises `RefusedError`."""

    def take_displaced(self) -> list[_Connection]:
        """More that have to go."""

    def touch(self, connection: _Connection) -> None:
        """One was used."""

    def forget(self, connection: _Connection) -> bool:
        """Strike one out; whether it was there."""

    def __iter__(self) -> Iterator[_Connection]:
        """The connections that are known here."""

    def __len__(self) -> int:
        """How many these are."""


class Connections(Generic[_Connection]):
    """The open connections, each in the order of its last use.

    `most` in all and `per_prefix` from one network (a /24 of IPv4, a /56 of IPv6): one
    more makes the one give way that was idle the longest.  `per_client` from one
    address: one more is refused.
    """

    def __init__(self, most: int, per_prefix: int, per_client: int) -> None:
        self.most = most
        self.per_prefix = per_prefix
        self.per_client = per_client
        self._sources: dict[_Connection, bytes] = {}
        self._networks: dict[bytes, dict[_Connection, None]] = {}
        self._clients: dict[bytes, int] = {}
        self.refused = 0
        """Connections that were one too many from their address."""
        self.displaced = 0
        """Connections that had to go for others."""

    def limit(self, most: int, per_prefix: int, per_client: int) -> None:
        """Hold connections that come from now on to other limits."""
        self.most, self.per_prefix, self.per_client = most, per_prefix, per_client

    @property
    def open(self) -> int:
        """How many are open."""
        return len(self._sources)

    def take_displaced(self) -> list[_Connection]:
        """The connections to close in favour of those of others: none."""
        return []

    def __len__(self) -> int:
        return len(self._sources)

    def __iter__(self) -> Iterator[_Connection]:
        return iter(self._sources)

    def admit(self, connection: _Connection, source: bytes) -> _Connection | None:
        """Take in a connection from a packed address.

        Returns another one that has to be closed for it, and is no longer counted.
        Raises `RefusedError`.
        """
        count = self._clients.get(source, 0)
        if count >= self.per_client:
            self.refused += 1
            raise RefusedError
        network = self._networks.get(_network(source), {})
        gone = None
        if len(network) >= self.per_prefix:
            gone = next(iter(network))
        elif len(self._sources) >= self.most:
            gone = next(iter(self._sources))
        if gone is not None:
            self.forget(gone)
            self.displaced += 1
        self._sources[connection] = source
        self._networks.setdefault(_network(source), {})[connection] = None
        self._clients[source] = self._clients.get(source, 0) + 1
        return gone

    def touch(self, connection: _Connection) -> None:
        """Note that a connection was used."""
        source = self._sources.pop(connection, None)
        if source is not None:
            self._sources[connection] = source
            network = self._networks[_network(source)]
            del network[connection]
            network[connection] = None

    def forget(self, connection: _Connection) -> bool:
        """Strike a connection out; whether it was there."""
        source = self._sources.pop(connection, None)
        if source is None:
            return False
        network = self._networks[_network(source)]
        del network[connection]
        if not network:
            del self._networks[_network(source)]
        count = self._clients.pop(source) - 1
        if count:
            self._clients[source] = count
        return True


def _network(source: bytes) -> bytes:
    return source[: _OCTETS_4 if len(source) == 4 else _OCTETS_6]
