"""Reads the files of lbnamed and of the first dinamed.

There are four shapes, told apart by their columns:

===========  =============================================  ======================
`LB1`        `weight host ip group...`                      from the poller of 1.x,
                                                            and the first dinamed
`LB2`        `weight factor host ip group[(share)]...`      from the poller of 2.x
`HUMAN1`     `host number group...`                         written by people, 1.x
`HUMAN2`     `host factor group[(share)]...`                written by people, 2.x
===========  =============================================  ======================

In the last three, 2.x has lines `group ttl top-slice mx` besides.  A weight is a load:
less of it is better.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from dinamed.formats.findings import Findings
from dinamed.formats.names import absolute, address, is_quad, label_key
from dinamed.formats.numbers import MAX_TTL, MAX_WEIGHT, from_text
from dinamed.wire.names import WireName

_SQUEEZE = re.compile(r"\s*\(\s*([^()\s]*)\s*\)")
_GROUP = re.compile(r"([^()]+)(?:\(([^()]*)\))?")
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+", re.ASCII)


class Shape(Enum):
    """The columns of a file."""

    LB1 = "lbnamed 1.x .lb"
    LB2 = "lbnamed 2.x .lb"
    HUMAN1 = "lbnamed 1.x config"
    HUMAN2 = "lbnamed 2.x config"


@dataclass(frozen=True, slots=True)
class LbHost:
    """One host: its address, if the file has it, its load, and its server factor."""

    name: str
    line: int
    address: bytes | None = None
    load: int | None = None
    factor: int | None = None


@dataclass(slots=True)
class LbGroup:
    """One group: its hosts with the share of each, and what is said of the whole.

    `top_slice` is among how many of the best one is drawn by chance.
    """

    name: str
    line: int
    shares: dict[str, float] = field(default_factory=dict)
    ttl: int | None = None
    top_slice: int = 0
    mx: WireName | None = None


@dataclass(frozen=True)
class LbFile:
    """All that a file says: hosts by name, groups by relative key."""

    shape: Shape
    hosts: Mapping[str, LbHost]
    groups: Mapping[bytes, LbGroup]
    base: WireName | None = None


def read_lbnamed(file: str, findings: Findings) -> LbFile | None:
    """Read a file of any of the four shapes; None if there is a problem."""
    text = findings.read(file, "lbnamed")
    if text is None:
        return None
    before = findings.count
    lines = list(_lines(text))
    reader = _LbnamedReader(file, shape_of([words for _, words in lines]), findings)
    for line, words in lines:
        try:
            reader.take(line, words)
        except ValueError as error:
            findings.problem(file, line, words[0][:60], str(error))
    reader.look_over()
    if findings.count > before:
        return None
    return LbFile(reader.shape, reader.hosts, reader.groups, reader.base)


def shape_of(lines: list[list[str]]) -> Shape:
    """The shape that most speaks for."""
    for words in lines:
        if len(words) > 3 and words[0].isdigit():
            if is_quad(words[2]):
                return Shape.LB1
            if is_quad(words[3]):
                return Shape.LB2
    for words in lines:
        if words[0] != "base" and ("." in words[0] or any("(" in w for w in words)):
            return Shape.HUMAN2
    return Shape.HUMAN1


class _LbnamedReader:
    """Reads a file line by line."""

    def __init__(self, file: str, shape: Shape, findings: Findings) -> None:
        self.file = file
        self.shape = shape
        self.findings = findings
        self.hosts: dict[str, LbHost] = {}
        self.groups: dict[bytes, LbGroup] = {}
        self.base: WireName | None = None
        self.described: dict[bytes, int] = {}

    def take(self, line: int, words: list[str]) -> None:
        """Understand one line.  Raises ValueError."""
        if words[0] == "base" and len(words) == 2:
            self.base = absolute(words[1]).lower()
        elif self._is_group(words):
            self.describe(line, words)
        else:
            self.host(line, words)

    def _is_group(self, words: list[str]) -> bool:
        """Whether the line speaks of a group: `group ttl top-slice mx`."""
        match self.shape:
            case Shape.LB1:
                return False
            case Shape.LB2:
                return not words[0][0].isdigit()
            case Shape.HUMAN1 | Shape.HUMAN2:
                return (
                    "." not in words[0]
                    and len(words) <= 4
                    and all(word.isdigit() for word in words[1:3])
                )

    def describe(self, line: int, words: list[str]) -> None:
        """`group TTL top-slice MX`, all but the first may be left out at the end."""
        if len(words) > 4:
            raise ValueError("expected a group, its TTL, its top slice and its MX")
        name, *rest = words
        group = self.group(name, line)
        self.described[label_key(name)] = line
        if rest:
            group.ttl = from_text(rest[0], MAX_TTL)
        if len(rest) > 1:
            group.top_slice = from_text(rest[1], 10**6)
        if len(rest) > 2:
            group.mx = absolute(rest[2])

    def host(self, line: int, words: list[str]) -> None:
        """A host with its groups, in the columns of the file's shape."""
        load: int | None = None
        factor: int | None = None
        packed: bytes | None = None
        columns = {Shape.LB1: 3, Shape.LB2: 4, Shape.HUMAN1: 2, Shape.HUMAN2: 2}
        count = columns[self.shape]
        if len(words) <= count:
            raise ValueError(f"expected {count} columns and at least one group")
        head, groups = words[:count], words[count:]
        if self.shape in (Shape.LB1, Shape.LB2):
            load = from_text(head[0], MAX_WEIGHT)
            packed = self._address(head[-1])
            name = head[-2]
        else:
            name = head[0]
        if self.shape is Shape.LB2 or self.shape is Shape.HUMAN2:
            factor = self._factor(head[1])
        host = self.hosts.get(name)
        if host is not None and (host.load, host.address) != (load, packed):
            self.findings.warning(
                self.file, line, name, "stands here again; load and address now count"
            )
        self.hosts[name] = LbHost(name, line, packed, load, factor)
        for word in groups:
            self._join(name, line, word)

    def _join(self, host: str, line: int, word: str) -> None:
        match = _GROUP.fullmatch(word)
        if match is None:
            raise ValueError(f"{word[:60]} is no group")
        share = 1.0
        if match[2] is not None:
            if not _NUMBER.fullmatch(match[2]) or len(match[2]) > 20:
                raise ValueError(f"{word[:60]}: expected a number in the parentheses")
            share = float(match[2])
        self.group(match[1], line).shares[host] = share

    def group(self, name: str, line: int) -> LbGroup:
        """The group of that name, made where it is not there."""
        try:
            key = label_key(name)
        except ValueError as error:
            raise ValueError(f"group {name[:60]}: {error}") from None
        return self.groups.setdefault(key, LbGroup(name, line))

    @staticmethod
    def _address(text: str) -> bytes:
        try:
            return address(text, 6 if ":" in text else 4)
        except ValueError as error:
            raise ValueError(f"{text[:60]} is {error}") from None

    @staticmethod
    def _factor(text: str) -> int:
        factor = from_text(text, 10**6)
        if factor > 10:
            raise ValueError(f"expected a server factor from 0 to 10, got {factor}")
        return factor

    def look_over(self) -> None:
        """Report the problems that show only at the end of the file."""
        for key, line in self.described.items():
            group = self.groups[key]
            if not group.shares:
                message = "no host is in this group, left out"
                self.findings.warning(self.file, line, group.name, message)
                del self.groups[key]
        if not self.hosts and self.findings.count == 0:
            self.findings.problem(self.file, None, "lbnamed", "there is no host")


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The words of each line that has any; blanks around parentheses are nothing."""
    for number, line in enumerate(text.splitlines(), 1):
        words = _SQUEEZE.sub(r"(\1)", line.partition("#")[0]).split()
        if words:
            yield number, words
