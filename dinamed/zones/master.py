r"""Reading master files (RFC 1035 section 5, RFC 2308 section 4, RFC 3597).

The reader takes what dnspython's takes, and gives the same data, with these
differences.  It goes on after a problem.  Records outside the zone it ignores with a
warning, and strings of more than 255 octets it splits.  It refuses what dnspython lets
pass: a second CNAME, DNAME or SOA at a name, meta types (0, 41, 128 to
255), TTLs above 2**31 - 1 (RFC 2181 section 8), non-ASCII letters in owner names,
$UNICODE, and an escaped end of line in a quoted string.  It takes $INCLUDE files
relative to the file that names them, more than one word of data after $GENERATE, an end
of line within quotes (RFC 1035 section 5.1), and a byte order mark.  What an $INCLUDE
file sets with $ORIGIN and $TTL ends with it.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import BinaryIO

from dinamed.wire.constants import Type
from dinamed.wire.names import (
    MAX_NAME,
    BadName,
    WireName,
    is_within,
    relative,
    to_text,
)
from dinamed.zones.generate import generate_range, generate_text
from dinamed.zones.lines import (
    EntryError,
    Lines,
    UnclosedError,
    joined,
    physical_lines,
    tokens,
)
from dinamed.zones.masterdata import (
    LINE_BITS,
    MasterData,
    NativeRecords,
    RawRecords,
    new_records,
)
from dinamed.zones.rdata import LENGTHS, NOT_PLAIN, RdataReader, name_from_text
from dinamed.zones.scope import Scope
from dinamed.zones.words import (
    MAX_TTL,
    any_ttl,
    open_regular,
    plain_ttl,
    printable,
    word_at,
)

_MAX_INCLUDES = 10_000
_MAX_DEPTH = 16
_MAX_RETRIES = 20

# A record on one line in its plain spelling; TTL and class in either order.
_PLAIN = re.compile(
    rb"(@|[-\w.*]*)[ \t]+(?:([0-9][0-9wdhms]*)[ \t]+)?(?:[Ii][Nn][ \t]+)?"
    rb"(?:([0-9][0-9wdhms]*)[ \t]+)?([A-Za-z]+)[ \t]+"
    rb"""([^\\()"; \t]+|[0-9]+[ \t]+[-\w.]+|"[^"\\]*")[ \t]*(?:;[\x00-\x7f]*)?"""
).fullmatch


def read_master(origin: WireName, path: str, pure: bool = False) -> MasterData:
    """Read a zone's file.  Problems are in the result; nothing is raised.

    Where the extension is there plain lines are read by it, unless `pure`.
    """
    data = MasterData(origin.lower(), records=new_records(pure))
    _MasterReader(data).read_file(path, None)
    return data


class OutsideError(EntryError):
    """A record whose owner is outside the zone."""


class _MasterReader:
    def __init__(self, data: MasterData) -> None:
        self.data = data
        self.stack: list[str] = []
        self.includes = 0
        self.line = 0
        self.scope = Scope(
            "", 0, data.origin, b"", self._rdata(data.origin), b"", None, None, False
        )

    def _rdata(self, origin: WireName) -> RdataReader:
        return RdataReader(origin, self._split)

    def _split(self, message: str) -> None:
        key = self.data.owner_text(self.scope.key or b"")
        self._warning(key, message)

    # Files

    def read_file(self, path: str, origin: WireName | None) -> None:
        """Read a file; raises `EntryError` if an included one cannot be read."""
        data = self.data
        try:
            stream = open_regular(path)
        except (OSError, ValueError) as error:
            data.files.append(path)
            reason = getattr(error, "strerror", None) or str(error)
            if self.stack:
                raise EntryError(f"cannot read {path}: {reason}") from None
            data.problem(path, None, to_text(data.origin), f"cannot read: {reason}")
            return
        outer, outer_line = self.scope, self.line
        place = len(data.files) << LINE_BITS
        data.files.append(path)
        self.scope = replace(outer, file=path, place=place)
        if origin is not None:
            self._set_origin(origin)
        self.stack.append(os.path.realpath(path))
        try:
            with stream:
                self._read_stream(stream)
        except OSError as error:
            self._problem(to_text(self.data.origin), f"cannot read: {error.strerror}")
        finally:
            self.stack.pop()
            self.scope, self.line = outer, outer_line

    def _read_stream(self, stream: BinaryIO) -> None:
        table = self.data.records
        lines: Iterator[bytes]
        if isinstance(table, RawRecords):
            lines = unusual = physical_lines(stream)
        else:
            lines = Lines(stream)
            unusual = self._after_plain(table, lines)
        self.line = 0
        retries = 0
        while (held := self._read_lines(unusual, lines)) is not None:
            # Parentheses that never close: take the lines after them as they stand.
            retries += 1
            if retries <= _MAX_RETRIES:
                lines = unusual = chain(held, lines)
            else:
                self.line += len(held)

    def _after_plain(self, table: NativeRecords, lines: Lines) -> Iterator[bytes]:
        """Store plain lines natively, and yield the others."""
        data = self.data
        while lines.fill():
            scope = self.scope
            lines.position, count, scope.key, scope.last_ttl = table.read_lines(
                lines.chunk,
                lines.position,
                scope.place | self.line,
                data.origin,
                scope.origin,
                scope.suffix,
                scope.key,
                scope.default_ttl,
                scope.default_ttl is None or scope.default_is_minimum,
                scope.last_ttl,
                data.ns_owners,
            )
            self.line += count
            if lines.position <= len(lines.chunk):
                yield next(lines)

    def _read_lines(
        self, unusual: Iterator[bytes], lines: Iterator[bytes]
    ) -> list[bytes] | None:
        """Read to the end, or return the lines that an unclosed entry swallowed.

        `unusual` gives the lines that begin an entry, `lines` those that go on with it.
        """
        match_plain = _PLAIN
        store_plain = self._plain_record
        for line in unusual:
            self.line += 1
            match = match_plain(line)
            if (match is not None and store_plain(match)) or not line:
                continue
            held: list[bytes] = []
            number = self.line
            try:
                words = tokens(line, lines, held)
                if words:
                    self._entry(words, line[:1] in (b" ", b"\t"))
            except EntryError as error:
                self._problem(self._owner_guess(line), str(error))
                if not line.startswith((b" ", b"\t")):
                    self.scope.key = None
                if isinstance(error, UnclosedError):
                    return held
            self.line = number + len(held)
        return None

    def _owner_guess(self, line: bytes) -> str:
        """The name of an entry that has no words, for messages."""
        word = line[:80].decode("ascii", "replace").split(" ")[0].split("\t")[0]
        try:
            return to_text(name_from_text(word, self.scope.origin))
        except BadName:
            return to_text(self.data.origin)

    def _problem(self, key: str, message: str) -> None:
        self.data.problem(self.scope.file, self.line or None, key, message)

    def _warning(self, key: str, message: str) -> None:
        self.data.warning(self.scope.file, self.line or None, key, message)

    # Records

    def _plain_record(self, match: re.Match[bytes]) -> bool:
        """Store a record in plain spelling; False if it needs a closer look."""
        owner, ttl_text, ttl_after, mnemonic, text = match.groups()
        scope = self.scope
        known = scope.rdata.plain.get(mnemonic)
        if known is None:
            return False
        rrtype, convert = known
        ttl: int | None
        if ttl_text is None and ttl_after is None:
            ttl = scope.default_ttl
            if scope.default_is_minimum or ttl is None:
                ttl = self.scope.implicit_ttl()
        elif ttl_text is None or ttl_after is None:
            ttl = plain_ttl(ttl_text or ttl_after)
            scope.last_ttl = ttl if ttl is not None else scope.last_ttl
        else:
            return False
        if ttl is None:
            return False
        try:
            rdata = convert(text)
            if not owner:
                key = scope.key
            elif owner.isalnum():
                if scope.suffix is None:
                    return False
                key = LENGTHS[len(owner)] + owner.lower() + scope.suffix
            else:
                key = self._owner_key(owner)
        except NOT_PLAIN:
            return False
        if key is None or len(key) + len(self.data.origin) > MAX_NAME:
            return False
        scope.key = key
        self._store(key, rrtype, ttl, rdata)
        return True

    def _owner_key(self, owner: bytes) -> bytes | None:
        """The key of a plain owner name; None for a closer look."""
        suffix = self.scope.suffix
        if suffix is None or owner.endswith(b"."):
            return None
        if owner == b"@":
            return suffix
        parts = owner.lower().split(b".")
        return b"".join([LENGTHS[len(part)] + part for part in parts]) + suffix

    def _store(self, key: bytes, rrtype: int, ttl: int, rdata: bytes) -> None:
        self.data.add(key, rrtype, ttl, self.scope.place | self.line, rdata)

    def _entry(self, words: list[str], blank_owner: bool) -> None:
        """An entry that is not a plain record."""
        if not blank_owner and words[0].startswith("$"):
            self._directive(words[0].upper(), words[1:])
            return
        scope = self.scope
        if not blank_owner:
            # If this owner is refused, records that repeat it are passed over.
            scope.key = None
            try:
                owner = name_from_text(word_at(words, 0), scope.origin)
                scope.key = self._key(owner)
            except OutsideError as error:
                self._warning(printable(words[0]), f"{error}: ignored")
            except (EntryError, BadName) as error:
                self._problem(printable(words[0]), str(error))
            words = words[1:]
        key = scope.key
        if key is None:
            return
        try:
            rrtype, ttl, words = self.scope.type_and_ttl(words)
        except EntryError as error:
            self._problem(self.data.owner_text(key), str(error))
            return
        try:
            rdata = scope.rdata.convert(rrtype, joined(words))
            if rrtype == Type.SOA:
                if key:
                    raise EntryError("SOA below the apex")
                ttl = self.scope.soa_ttl(ttl, rdata)
            if ttl is None:
                raise EntryError("no TTL here, no $TTL before")
        except EntryError as error:
            self._problem(self.data.owner_text(key, rrtype), str(error))
            return
        self._store(key, rrtype, ttl, rdata)

    def _key(self, name: WireName) -> bytes:
        name = name.lower()
        if not is_within(name, self.data.origin):
            zone = to_text(self.data.origin)
            raise OutsideError(f"{to_text(name)} is outside {zone}")
        return relative(name, self.data.origin)

    # Directives

    def _directive(self, directive: str, words: list[str]) -> None:
        try:
            if directive == "$ORIGIN":
                self._set_origin(self._one_name(words))
            elif directive == "$TTL":
                ttl = any_ttl(word_at(words, 0))
                if ttl is None or ttl > MAX_TTL or len(words) > 1:
                    raise EntryError(f"{' '.join(words)[:80]!r} is not a TTL")
                self.scope.default_ttl = ttl
                self.scope.default_is_minimum = False
            elif directive == "$INCLUDE":
                self._include(words)
            elif directive == "$GENERATE":
                self._generate(words)
            else:
                raise EntryError("unknown directive")
        except (EntryError, BadName) as error:
            self._problem(printable(directive), str(error))

    def _one_name(self, words: list[str]) -> WireName:
        if len(words) > 1:
            raise EntryError("one name expected")
        return name_from_text(word_at(words, 0), self.scope.origin)

    def _set_origin(self, origin: WireName) -> None:
        scope, zone = self.scope, self.data.origin
        if origin == scope.origin:
            return
        lowered = origin.lower()
        scope.origin = origin
        scope.suffix = relative(lowered, zone) if is_within(lowered, zone) else None
        scope.rdata = self._rdata(origin)

    def _include(self, words: list[str]) -> None:
        name = word_at(words, 0, quoted=True)
        if name.startswith('"'):
            name = name[1:-1]
        path = os.path.join(os.path.dirname(self.scope.file), name)
        origin = self._one_name(words[1:]) if len(words) > 1 else None
        self.includes += 1
        if "\0" in path:
            raise EntryError("NUL in a file name")
        if self.includes > _MAX_INCLUDES:
            raise EntryError(f"more than {_MAX_INCLUDES} files")
        if os.path.realpath(path) in self.stack:
            raise EntryError(f"{path} includes itself")
        if len(self.stack) >= _MAX_DEPTH:
            raise EntryError(f"{path} is included {_MAX_DEPTH} files deep")
        self.read_file(path, origin)

    def _generate(self, words: list[str]) -> None:
        numbers = generate_range(word_at(words, 0))
        owner = word_at(words, 1)
        rrtype, ttl, rest = self.scope.type_and_ttl(words[2:])
        if ttl is None:
            raise EntryError("no TTL here, no $TTL before")
        if len(rest) == 1 and rest[0].startswith('"') and rrtype != Type.TXT:
            rest = [rest[0][1:-1]]
        template = joined(rest)
        if rrtype == Type.SOA or not template:
            raise EntryError("no record data")
        scope = self.scope
        scope.key = None
        for number in numbers:
            name = name_from_text(generate_text(owner, number), scope.origin)
            try:
                key = self._key(name)
            except OutsideError as error:
                self._warning(printable(words[1]), f"{error}: ignored")
                return
            rdata = scope.rdata.convert(rrtype, generate_text(template, number))
            self._store(key, rrtype, ttl, rdata)
            scope.key = key
