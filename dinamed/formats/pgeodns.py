"""Reads the config of pgeodns: text, and the JSON files that it names.

In the text a line without a keyword is a host with its groups, as the first dinamed
wrote them; the weight there has never had a meaning to pgeodns.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from dinamed.formats.aliases import check_aliases
from dinamed.formats.findings import Findings
from dinamed.formats.geodns import GeodnsReader, modified
from dinamed.formats.json_records import ABSOLUTE_FORMS
from dinamed.formats.json_text import JsonError, JsonValue, parse
from dinamed.formats.labels import Label, LabelRecord, LabelZone, Soa
from dinamed.formats.names import absolute, address, label_key
from dinamed.formats.numbers import MAX_TTL, from_text, kind_of
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, is_within, relative, to_text

TTL = 180
MAX_HOSTS = 2
GLUE_TTL = 86400
MAX_FILES = 1000
KINDS = ("country", "continent", "@")
_JSON_KEYS = ("serial", "ttl", "max_hosts", "data")


class ServerEntry(NamedTuple):
    """A name server, its glue, and where it is named."""

    name: WireName
    glue: tuple[str, ...]
    file: str
    line: int


@dataclass
class Base:
    """A zone while its file is read; None is what the file has not set yet."""

    origin: WireName
    file: str
    line: int
    ttl: int | None = None
    serial: int | None = None
    primary: WireName | None = None
    max_hosts: int | None = None
    servers: list[ServerEntry] = field(default_factory=list)
    labels: dict[bytes, Label] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


def read_pgeodns(file: str, findings: Findings) -> Mapping[WireName, LabelZone]:
    """Read all zones of a config, by their origins.

    A zone that is itself a JSON file is not read here but named by `base` in a text.
    """
    reader = _PgeodnsReader(findings)
    reader.include(file, ())
    zones = {}
    for origin, base in reader.bases.items():
        check_aliases(base.labels, findings)
        zones[origin] = reader.finish(base)
    return zones


class _LineError(ValueError):
    """A line that can't be understood."""


class _PgeodnsReader:
    """Reads line by line, each keyword by a method of its own."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.top = Base(b"", "", 0)
        self.base = self.top
        self.bases: dict[WireName, Base] = {}
        self.file = ""
        self.line = 0
        self.open: tuple[str, ...] = ()
        self.count = 0

    def include(self, file: str, around: tuple[str, ...]) -> None:
        """Read a file of text; `around` are those that include it."""
        self.count += 1
        text = self.findings.read(file, "config")
        if text is None:
            return
        before = self.file, self.line, self.open
        self.file, self.open = file, (*around, os.path.realpath(file))
        self.base.files.append(file)
        for self.line, words in _lines(text):
            if words[0] == "__END__":
                break
            try:
                self.take(words)
            except ValueError as error:
                self.findings.problem(file, self.line, words[0], str(error))
        self.file, self.line, self.open = before

    def take(self, words: list[str]) -> None:
        """Understand one line."""
        word, *rest = words
        match word:
            case "ns":
                self.name_server(rest)
            case "ttl":
                self.base.ttl = self.number(rest, MAX_TTL)
            case "serial":
                self.base.serial = self.number(rest, 2**32 - 1)
            case "max_hosts":
                if self.base is self.top:
                    raise _LineError("stands before any base")
                self.base.max_hosts = max(1, self.number(rest, 65535))
            case "primary_ns":
                self.base.primary = absolute(self.one(rest))
            case "base":
                self.begin(rest)
            case "include":
                self.read_other(self.one(rest))
            case _:
                self.host(words)

    @staticmethod
    def one(rest: list[str]) -> str:
        """The only argument of a keyword."""
        if len(rest) != 1:
            raise _LineError(f"expected one argument, got {len(rest)}")
        return rest[0]

    def number(self, rest: list[str], high: int) -> int:
        """A number as the only argument."""
        return from_text(self.one(rest), high)

    def name_server(self, rest: list[str]) -> None:
        """`ns NAME [glue...]`."""
        if not rest:
            raise _LineError("expected the name of a server")
        for glue in rest[1:]:
            address(glue, 6 if ":" in glue else 4)
        server = ServerEntry(absolute(rest[0]), tuple(rest[1:]), self.file, self.line)
        apex = self.base.labels.get(b"")
        if apex is not None and Type.NS in apex.records and not self.base.servers:
            # The first one in the text takes the place of those in the JSON.
            records = {t: e for t, e in apex.records.items() if t != Type.NS}
            self.base.labels[b""] = replace(apex, records=records)
        self.base.servers.append(server)

    def begin(self, rest: list[str]) -> None:
        """`base ZONE [FILE]`."""
        if len(rest) not in (1, 2):
            raise _LineError("expected a zone, and perhaps a file")
        origin = absolute(rest[0]).lower()
        if origin in self.bases:
            first = self.bases[origin]
            where = f"{first.file}:{first.line}"
            raise _LineError(f"{to_text(origin)} stands in {where} already")
        self.base = Base(origin, self.file, self.line, files=[self.file])
        self.bases[origin] = self.base
        if len(rest) == 2:
            self.read_json(os.path.join(os.path.dirname(self.file), rest[1]))

    def read_other(self, name: str) -> None:
        """`include FILE`."""
        file = os.path.join(os.path.dirname(self.file), name)
        if os.path.realpath(file) in self.open:
            raise _LineError(f"{name} includes itself")
        if self.count >= MAX_FILES:
            raise _LineError(f"more than {MAX_FILES} files")
        self.include(file, self.open)

    def host(self, words: list[str]) -> None:
        """`[WEIGHT] HOST IP GROUP...`."""
        rest = words[1:] if words[0].isdigit() else words
        if len(rest) < 3:
            raise _LineError("neither a keyword nor a host with its address and groups")
        if self.base is self.top:
            raise _LineError("a host stands before any base")
        host, ip, *groups = rest
        rrtype = Type.AAAA if ":" in ip else Type.A
        try:
            rdata = address(ip, 6 if ":" in ip else 4)
        except ValueError as error:
            raise _LineError(f"{ip[:60]} is {error}") from None
        for group in groups:
            self.put(group, rrtype, LabelRecord(rdata, 1, self.line, host=host))

    def put(self, group: str, rrtype: int, entry: LabelRecord) -> None:
        """Add a record to a label."""
        key = label_key(group)
        labels = self.base.labels
        label = labels.get(key) or Label(group, self.file, self.line)
        entries = label.records.get(rrtype, ())
        if all(entry.rdata != old.rdata for old in entries):
            entries = (*entries, entry)
        labels[key] = replace(label, records={**label.records, rrtype: entries})

    def read_json(self, file: str) -> None:
        """The data of the present zone."""
        text = self.findings.read(file, "base")
        if text is None:
            return
        self.base.files.append(file)
        reader = _JsonReader(file, self.base.origin, self.findings)
        try:
            value = parse(text, reader.repeated, relaxed=True)
        except JsonError as error:
            self.findings.problem(file, error.line, "JSON", str(error))
            return
        reader.fill(self.base, value)

    def finish(self, base: Base) -> LabelZone:
        """The zone, with what holds for all zones filled in."""
        ttl = _first(base.ttl, self.top.ttl, TTL)
        labels = dict(base.labels)
        apex = labels.get(b"") or Label("", base.file, base.line)
        servers = base.servers
        if not servers and not apex.records.get(Type.NS):
            servers = self.top.servers
        own = apex.records.get(Type.NS, ())
        entries = (*own, *(LabelRecord(s.name, 0, s.line) for s in servers))
        if entries:
            unique = {entry.rdata.lower(): entry for entry in entries}
            records = {**apex.records, Type.NS: tuple(unique.values())}
            labels[b""] = replace(apex, records=records)
        for server in servers:
            self._glue(base.origin, labels, server)
        primary = base.primary or self.top.primary
        if primary is None:
            primary = entries[0].rdata if entries else b"\x02ns" + base.origin
        newest = max(map(modified, base.files), default=0)
        return LabelZone(
            ttl=ttl,
            serial=_first(base.serial, self.top.serial, newest),
            soa=Soa(3600, 5400, 5400, 2419200, ttl),
            contact=b"\x0ahostmaster" + base.origin,
            primary=primary,
            max_hosts=base.max_hosts or MAX_HOSTS,
            closest=False,
            kinds=KINDS,
            labels=labels,
        )

    @staticmethod
    def _glue(
        origin: WireName, labels: dict[bytes, Label], server: ServerEntry
    ) -> None:
        """Give a name server of the zone its address, unless it has one."""
        name = server.name.lower()
        if not server.glue or not is_within(name, origin):
            return
        key = relative(name, origin)
        if key in labels:
            return
        records: dict[int, tuple[LabelRecord, ...]] = {}
        for glue in server.glue:
            family = 6 if ":" in glue else 4
            rrtype = Type.AAAA if family == 6 else Type.A
            entry = LabelRecord(address(glue, family), 0, server.line)
            records[rrtype] = (*records.get(rrtype, ()), entry)
        text = to_text(key + b"\0")[:-1]
        labels[key] = Label(text, server.file, server.line, records, ttl=GLUE_TTL)


class _JsonReader(GeodnsReader):
    """The JSON of one zone: that of geodns with fewer keys."""

    forms = ABSOLUTE_FORMS

    def repeated(self, line: int, key: str) -> None:
        """A key stands in an object twice."""
        self.warning(line, f'"{key}"', "stands here again; the last one counts")

    def fill(self, base: Base, value: JsonValue) -> None:
        """Put what the file says into the zone."""
        if not isinstance(value.data, dict):
            message = f"expected an object, got {kind_of(value)}"
            self.problem(value.line, "zone", message)
            return
        keys = value.data
        self.unknown(keys, _JSON_KEYS, "")
        if "ttl" in keys:
            base.ttl = self.number(keys, "ttl", MAX_TTL, TTL)
        if "serial" in keys:
            base.serial = self.number(keys, "serial", 2**32 - 1, 0)
        base.max_hosts = self.max_hosts(keys, "")
        base.labels.update(self.labels(keys.get("data")))


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The words of each line that has any, without comments."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if words:
            yield number, words


def _first(*numbers: int | None) -> int:
    """The first that is there."""
    return next(number for number in numbers if number is not None)
