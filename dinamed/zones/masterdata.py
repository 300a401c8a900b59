"""What a reader of master files hands on: raw records and problems."""

from dataclasses import dataclass, field
from struct import Struct

import dns.rdatatype

from dinamed.problems import Problem
from dinamed.wire.names import WireName, to_text

MAX_PROBLEMS = 100  # a file

# A record while it is read: type, TTL, place, octets of rdata; then the rdata.
RAW = Struct("<HIQH")
LINE_BITS = 40


@dataclass
class MasterData:
    """What came out of a master file and the files it includes.

    `records` maps relative, lowercased keys to the `RAW` records at each, in the
    order of the files.  `problems` have the places of what could not be read.
    """

    origin: WireName
    files: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    records: dict[bytes, bytes | bytearray] = field(default_factory=dict)
    ns_owners: set[bytes] = field(default_factory=set)
    dname_owners: set[bytes] = field(default_factory=set)
    suppressed: dict[str, int] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def problem(self, file: str, line: int | None, key: str, message: str) -> None:
        """Note a problem; beyond `MAX_PROBLEMS` a file they are only counted."""
        count = self._counts.get(file, 0)
        self._counts[file] = count + 1
        if count < MAX_PROBLEMS:
            self.problems.append(Problem(file, line, key, message))
        else:
            self.suppressed[file] = self.suppressed.get(file, 0) + 1

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
