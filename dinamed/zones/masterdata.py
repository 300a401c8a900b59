"""The result of reading a master file: raw records and problems."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING

import dns.rdatatype

from dinamed.problems import Problem
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, to_text
from dinamed.zones.marks import OF_A_HASH, Marks

EDITION = 4
"""Goes up with each change of what the extension is told, here and in `native.pyx`."""

try:
    from dinamed.zones import native as native
except ImportError:  # no compiler at the install: Python reads everything
    native = None  # type: ignore[assignment]
else:
    if getattr(native, "EDITION", 0) != EDITION:  # built from other sources than these
        native = None  # type: ignore[assignment]

MAX_PROBLEMS = 100  # a file

# A record while it is read: type, TTL, place, octets of rdata; then the rdata.
RAW = Struct("<HIQH")
LINE_BITS = 40


class RawRecords(dict[bytes, bytes | bytearray]):
    """Maps relative, lowercased keys to the `RAW` records at each.

    Keys are in the order in which they came, and so are the records at a key.
    """

    def add(self, key: bytes, raw: bytes) -> None:
        """Put a `RAW` record behind those of its owner."""
        before = self.get(key)
        if before is None:
            self[key] = raw
        elif type(before) is bytearray:
            before += raw
        else:
            self[key] = bytearray(before) + raw


if TYPE_CHECKING or native is not None:

    class NativeRecords(native.RecordTable, Mapping[bytes, bytes]):
        """The same, without an object for each key and record."""

else:

    class NativeRecords:
        """There are none without the extension."""


def new_records(pure: bool = False) -> RawRecords | NativeRecords:
    """An empty mapping; in Python if `pure`, or where there is no other."""
    return RawRecords() if pure or native is None else NativeRecords()


@dataclass
class MasterData:
    """The records and problems of a master file and the files it includes, in order.

    `problems` have the places of what could not be read, `warnings` those of what is
    most likely not what was meant.
    """

    origin: WireName
    files: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    records: RawRecords | NativeRecords = field(default_factory=RawRecords)
    ns_owners: set[bytes] = field(default_factory=set)
    dname_owners: set[bytes] = field(default_factory=set)
    nsec_owners: set[bytes] = field(default_factory=set)
    nsec3_owners: set[bytes] = field(default_factory=set)
    suppressed: dict[str, int] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _warned: dict[str, int] = field(default_factory=dict)

    def add(self, key: bytes, rrtype: int, ttl: int, place: int, rdata: bytes) -> None:
        """Put a record behind those of its owner."""
        raw = RAW.pack(rrtype, ttl, place, len(rdata)) + rdata
        self.records.add(key, raw)
        if rrtype == Type.NS:
            self.ns_owners.add(key)
        elif rrtype == Type.DNAME:
            self.dname_owners.add(key)
        elif rrtype == Type.NSEC:
            self.nsec_owners.add(key)
        elif rrtype == Type.NSEC3:
            self.nsec3_owners.add(key)

    def marks(self) -> Marks:
        """The names that lookups treat in a way of their own."""
        return Marks(
            self.ns_owners - {b""},
            self.dname_owners,
            self.nsec_owners,
            self.nsec3_owners,
            {key for key in self.nsec3_owners if self._only_hashes(key)},
        )

    def _only_hashes(self, key: bytes) -> bool:
        """Whether an owner has NSEC3 records and nothing else but signatures."""
        raw = self.records[key]
        position = 0
        while position < len(raw):
            rrtype, _, _, size = RAW.unpack_from(raw, position)
            if rrtype not in OF_A_HASH:
                return False
            position += RAW.size + size
        return True

    def problem(self, file: str, line: int | None, key: str, message: str) -> None:
        """Note a problem; beyond `MAX_PROBLEMS` a file they are only counted."""
        count = self._counts.get(file, 0)
        self._counts[file] = count + 1
        if count < MAX_PROBLEMS:
            self.problems.append(Problem(file, line, key, message))
        else:
            self.suppressed[file] = self.suppressed.get(file, 0) + 1

    def warning(self, file: str, line: int | None, key: str, message: str) -> None:
        """Note a warning; beyond `MAX_PROBLEMS` a file there are no more."""
        count = self._warned[file] = self._warned.get(file, 0) + 1
        if count <= MAX_PROBLEMS:
            self.warnings.append(Problem(file, line, key, message, "warning"))

    def warning_at(self, place: int, key: str, message: str) -> None:
        """Note a warning at the place of a raw record."""
        line = place & ((1 << LINE_BITS) - 1)
        self.warning(self.files[place >> LINE_BITS], line, key, message)

    def problem_at(self, place: int, key: str, message: str) -> None:
        """Note a problem at the place of a raw record."""
        line = place & ((1 << LINE_BITS) - 1)
        self.problem(self.files[place >> LINE_BITS], line, key, message)

    def owner_text(self, key: bytes, rrtype: int | None = None) -> str:
        """The key of a problem: the owner, and the type where it matters."""
        owner = to_text(key + self.origin)
        return owner if rrtype is None else f"{owner} {type_text(rrtype)}"


def type_text(rrtype: int) -> str:
    """The mnemonic of a type, or TYPEnnn."""
    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rrtype))
