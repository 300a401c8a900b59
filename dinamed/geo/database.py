"""MaxMind DB files, read by the package maxminddb.

A database is read from a private copy (see `private`), so whatever happens to the
file, what was loaded stays.  Whether the package's C extension reads it or its pure
Python reader, which is over ten times slower, `Database.engine` tells.
"""

import os
import re
import socket
from collections.abc import Iterator
from io import BytesIO
from mmap import ACCESS_READ, mmap
from typing import Any

from dinamed.geo.place import Place
from dinamed.geo.private import Stamp, check_steady, open_plain, private_copy
from dinamed.geo.record import DEFAULT_PATHS, FieldPaths, PlaceReader

PROBES = 512
"""How many addresses of each family are looked up to see whether a file is sound."""

_COPY = re.compile(r" \([^()]*(?:/fd/[0-9]+|dinamed-geo-\w+|BytesIO'>)\)")

Octets = bytes | mmap
SearchTree = tuple[Octets, int, int, bool]
"""A file's octets, the nodes of its tree, bits of a record, and whether it has IPv6."""

C = "C"
PYTHON = "Python"


class DatabaseError(Exception):
    """A database that can't be used; the message says why, without the path."""


class Database:
    """One file as it was when it was opened.  Immutable but for `failures`.

    `name` is the file's name, `kind` and `built` (seconds since 1970) are what it
    says of itself, `stamp` tells whether the file is still the same one.

    @raise ValueError: the metadata make no sense.
    """

    __slots__ = (
        "_get",
        "_records",
        "built",
        "engine",
        "failures",
        "kind",
        "name",
        "path",
        "paths",
        "stamp",
        "tree",
        "v6",
    )

    def __init__(
        self,
        path: str,
        paths: FieldPaths,
        reader: Any,
        engine: str,
        stamp: Stamp,
        octets: Octets = b"",
    ) -> None:
        told = reader.metadata()
        if told.ip_version not in (4, 6):
            raise ValueError(f"IP version {told.ip_version!r}")
        self._get = reader.get_with_prefix_len
        self._records = PlaceReader(paths)
        self.path = path
        self.paths = paths
        self.name = os.path.basename(path)
        self.engine = engine
        self.stamp = stamp
        self.kind = str(told.database_type)
        self.built = int(told.build_epoch)
        self.v6 = bool(told.ip_version == 6)
        self.tree: SearchTree | None = None
        """What a look-up walks, for those who walk it themselves."""
        bits, nodes = told.record_size, told.node_count
        if bits in (24, 28, 32) and nodes * bits // 4 <= len(octets):
            self.tree = octets, nodes, bits, self.v6
        self.failures = 0
        """How many look-ups met nonsense in the file."""

    def look_up(self, address: bytes) -> tuple[Place | None, int]:
        """The place of a packed address, and the prefix length that it holds for.

        All addresses within that prefix have the same record.  Where the file is
        damaged nothing is known, for this address alone.
        """
        try:
            return self._look_up(address)
        except Exception:  # a hostile file makes the readers raise anything at all
            self.failures += 1
            return None, len(address) * 8

    def _look_up(self, address: bytes) -> tuple[Place | None, int]:
        if len(address) == 4:
            text = socket.inet_ntop(socket.AF_INET, address)
        elif self.v6:
            text = socket.inet_ntop(socket.AF_INET6, address)
        else:
            return None, 0  # no IPv6 in it, so all of IPv6 is alike
        record, length = self._get(text)
        if record is None:
            return None, length
        return self._records.place(record, self.name), length

    def check(self) -> None:
        """Look up addresses all over the file.

        @raise DatabaseError: it is damaged.
        """
        try:
            for address in _probes(self.v6):
                self._look_up(address)
        except Exception as error:  # as above
            raise DatabaseError(f"damaged: {_first_line(error)}") from None


def open_database(
    path: str, paths: FieldPaths = DEFAULT_PATHS, *, compiled: bool | None = None
) -> Database:
    """Load a database into memory and look it over.

    `compiled` chooses the C extension or the pure Python reader; None takes the
    first if it is there.  It reads the whole file: for a server, call it in a thread.

    @raise DatabaseError: it can't be read or is not sound, or maxminddb is missing.
    @raise ValueError: `paths` names an unknown thing.
    """
    try:
        import maxminddb
    except ImportError:
        raise DatabaseError(
            "needs the package maxminddb: install dinamed[geo]"
        ) from None
    octets: Octets
    if compiled is None:
        compiled = getattr(maxminddb, "extension", None) is not None
    try:
        if compiled:
            with private_copy(path) as (copy, stamp):
                with open(copy, "rb") as file:
                    octets = mmap(file.fileno(), 0, access=ACCESS_READ)
                reader = maxminddb.open_database(copy, maxminddb.MODE_MMAP_EXT)
        else:
            with open_plain(path) as file:
                stamp = Stamp.of(os.fstat(file.fileno()))
                octets = file.read()
                check_steady(file, stamp, len(octets))
            reader = maxminddb.open_database(BytesIO(octets), maxminddb.MODE_FD)
        engine = C if compiled else PYTHON
        database = Database(path, paths, reader, engine, stamp, octets)
    except OSError as error:
        raise DatabaseError(f"can't read: {error.strerror or error}") from None
    except Exception as error:  # bad metadata make the readers raise several things
        raise DatabaseError(f"not a MaxMind DB file: {_first_line(error)}") from None
    database.check()
    return database


def _probes(v6: bool) -> Iterator[bytes]:
    """Addresses spread evenly over IPv4 and over 2000::/3."""
    for number in range(PROBES):
        yield (number * 2**32 // PROBES + 1).to_bytes(4)
        if v6:
            yield (2**125 + number * 2**125 // PROBES + 1).to_bytes(16)


def _first_line(error: Exception) -> str:
    """The message of the package, without the name of the private copy."""
    lines = _COPY.sub("", str(error)).splitlines()
    return lines[0] if lines else type(error).__name__
