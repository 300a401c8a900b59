"""The table of round trips as octets, for a file and for other servers.

A message of MessagePack: the version, the keys (pool and member), and for each network
its address octets and its cells by the number of the key.  See `recent` for a cell.
"""

import msgspec

from dinamed.steering.round_trips import Key, RoundTrips

VERSION = 1


class SavedRoundTrips(msgspec.Struct, frozen=True, array_like=True):
    """The content of a file of round trips."""

    version: int
    keys: list[Key]
    networks: list[tuple[bytes, dict[int, bytes]]]


def saved(table: RoundTrips) -> bytes:
    """All networks of the table that are not on probation."""
    numbers: dict[Key, int] = {}
    networks = [
        (
            network,
            {
                numbers.setdefault(key, len(numbers)): cell
                for key, cell in cells.items()
            },
        )
        for network, cells in table.networks()
    ]
    return msgspec.msgpack.encode(SavedRoundTrips(VERSION, [*numbers], networks))


def restore(table: RoundTrips, data: bytes) -> int:
    """Take networks back into the table; returns how many there were.

    @raise ValueError: it is no such message, or of another version.
    """
    try:
        read = msgspec.msgpack.decode(data, type=SavedRoundTrips)
        if read.version != VERSION:
            raise ValueError(f"version {read.version} of the file is not known")
        for network, cells in read.networks:
            if len(network) not in (3, 6):
                raise ValueError("a network is neither a /24 nor a /48")
            table.restore(
                network,
                {read.keys[number]: _sound(cell) for number, cell in cells.items()},
            )
    except (msgspec.DecodeError, msgspec.ValidationError, IndexError) as error:
        raise ValueError(f"not a file of round trips: {error}") from None
    return len(read.networks)


def _sound(cell: bytes) -> bytes:
    """A cell, with at least one sample in it."""
    if not 5 <= len(cell) <= 255:
        raise ValueError("a cell has no samples, or too many")
    return cell
