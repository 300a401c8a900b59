"""Python's connections, counted in one table with those of the threads."""

from collections.abc import Iterator
from itertools import count
from typing import Generic, TypeVar

from dinamed.limits.connections import RefusedError
from dinamed.plane.extension import native

Connection = TypeVar("Connection")


class SharedConnections(Generic[Connection]):
    """As `dinamed.limits.connections.Connections`, for all who have connections.

    `__len__` and `__iter__` are about those that Python has, all else about all.
    """

    def __init__(self, streams: "native.Streams") -> None:
        self._streams = streams
        self._indexes = count()
        self._by_index: dict[int, Connection] = {}
        self._entries: dict[Connection, tuple[int, int]] = {}
        """Each connection's index, and its entry in the table."""

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._entries))

    @property
    def open(self) -> int:
        """How many are open."""
        return self._streams.open

    @property
    def refused(self) -> int:
        """Connections that were one too many from their address."""
        return self._streams.refused

    @property
    def displaced(self) -> int:
        """Connections that had to go for others."""
        return self._streams.displaced

    def limit(self, most: int, per_prefix: int, per_client: int) -> None:
        """Hold connections that come from now on to other limits."""
        self._streams.limit(most, per_prefix, per_client)

    def admit(self, connection: Connection, source: bytes) -> None:
        """Take in a connection from a packed address.  Raises `RefusedError`.

        What has to be closed for it is told by `take_displaced`, or to its thread.
        """
        index = next(self._indexes) & 0xFFFFFFFF
        entry = self._streams.admit(source, index)
        if entry is None:
            raise RefusedError
        self._by_index[index] = connection
        self._entries[connection] = index, entry

    def take_displaced(self) -> list[Connection]:
        """The connections to close; they are no longer counted."""
        found = []
        for index in self._streams.take_displaced():
            connection = self._by_index.pop(index, None)
            if connection is not None:
                del self._entries[connection]
                found.append(connection)
        return found

    def touch(self, connection: Connection) -> None:
        """Note that a connection was used."""
        found = self._entries.get(connection)
        if found is not None:
            self._streams.touch(found[1])

    def forget(self, connection: Connection) -> bool:
        """Strike a connection out; whether it was there."""
        found = self._entries.pop(connection, None)
        if found is None:
            return False
        index, entry = found
        del self._by_index[index]
        self._streams.leave(entry)
        return True
