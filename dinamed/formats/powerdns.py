"""Reads a zone file with PowerDNS' LUA records, and says the same in dinamed's way."""

import re
from dataclasses import dataclass, field

from dinamed.formats.lua_calls import NotACallError, read_call
from dinamed.formats.migrated import MigratedPool, MigratedZone, Migration, Table
from dinamed.formats.powerdns_pools import NoEquivalentError, pool_of
from dinamed.formats.zone_lines import DEFAULT_TTL, ORIGIN, ZoneLines
from dinamed.zones.words import any_ttl

_LUA = re.compile(
    r"(?P<owner>\S*)\s+(?:(?P<ttl>[0-9][0-9wdhmsWDHMS]*)\s+)?(?:IN\s+)?LUA\s+"
    r"(?P<type>[A-Za-z0-9]+)\s+(?P<text>.*)",
    re.IGNORECASE | re.DOTALL,
)
_SOA = re.compile(r"(\S+)\s+(?:\S+\s+)?(?:IN\s+)?SOA\s", re.IGNORECASE)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_FAMILIES = {"A": 4, "AAAA": 6}


class NoZoneError(ValueError):
    """The file does not tell its zone."""


@dataclass
class _Record:
    """The LUA records of one name."""

    ttl: int
    tables: dict[str, Table] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_powerdns(path: str, zone: str | None = None) -> Migration:
    """Convert the file; `zone` is its zone where the file does not tell.

    Raises `OSError`, `NoZoneError`.
    """
    with open(path, encoding="latin-1") as file:
        lines = _entries(file.read())
    name = zone or _zone_of(lines)
    if name is None:
        raise NoZoneError("the file does not name its zone; say --zone NAME")
    return _Reader(name.removesuffix(".").lower() or ".", lines).read()


def _entries(text: str) -> list[str]:
    """Lines; one that has parentheses or quotes open goes on with the next."""
    entries: list[str] = []
    held = ""
    for line in text.splitlines():
        held = f"{held}\n{line}" if held else line
        bare = re.sub(r";.*", "", _STRING.sub("", held))
        if '"' in bare or bare.count("(") > bare.count(")"):
            continue
        entries.append(held)
        held = ""
    return [*entries, *([held] if held else [])]


def _zone_of(entries: list[str]) -> str | None:
    origin = None
    for entry in entries:
        if match := ORIGIN.match(entry):
            origin = origin or match[1]
        elif match := _SOA.match(entry):
            return match[1] if match[1] not in ("@",) else origin
    return origin


class _Reader(ZoneLines):
    def __init__(self, zone: str, entries: list[str]) -> None:
        file = f"{zone.replace('/', '@').strip('.') or 'root'}.zone"
        super().__init__(MigratedZone(zone, file, ""), ttl=3600)
        self.entries = entries
        self.records: dict[str, _Record] = {}
        self.migration = Migration(zones=[self.zone])

    def read(self) -> Migration:
        """All of it."""
        lines = [self._entry(entry) for entry in self.entries]
        self.zone.text = "\n".join(lines) + "\n"
        for name, record in self.records.items():
            self._pool(name, record)
        return self.migration

    def _entry(self, entry: str) -> str:
        if match := ORIGIN.match(entry):
            self.origin = self.absolute(match[1]).removesuffix(".")
        elif match := DEFAULT_TTL.match(entry):
            self.ttl = any_ttl(match[1]) or self.ttl
        elif match := _LUA.fullmatch(entry):
            self.hide(match["owner"])
            self._lua(match)
            return "\n".join(f"; {line}" for line in entry.split("\n"))
        return self.keep(entry)

    def _lua(self, match: re.Match[str]) -> None:
        owner = self.absolute(self.owner).lower()
        rrtype = match["type"].upper()
        text = "".join(_STRING.findall(match["text"])).replace('\\"', '"')
        try:
            if rrtype not in _FAMILIES:
                raise NoEquivalentError(f"LUA for {rrtype}: pools have addresses")
            ttl = any_ttl(match["ttl"]) if match["ttl"] else self.ttl
            record = self.records.setdefault(owner, _Record(ttl or 0))
            record.tables[rrtype] = pool_of(read_call(text), record.notes)
        except (NotACallError, NoEquivalentError) as error:
            self.migration.left.append(f"{owner} {rrtype}: {error}")
            self.zone.notes.append(f"left out: {owner} LUA {rrtype} {text}: {error}")

    def _pool(self, owner: str, record: _Record) -> None:
        """One pool for both families."""
        if not record.tables:
            return
        tables = list(record.tables.values())
        table = tables[0]
        if len(tables) > 1:
            others = [_rest(one) for one in tables]
            if others[0] != others[1]:
                record.notes.append(f"A and AAAA differ; here both are: {others[0]}")
            members = [one for t in tables for one in _members(t)]
            table = {**table, "members": members}
        name = self.relative(owner)
        wanted = re.sub(r"[^a-z0-9_.-]+", "-", name).strip("-.") or "apex"
        pool = self.migration.free_name(wanted if name != "@" else "apex")
        self.migration.pools[pool] = MigratedPool(
            {"ttl": record.ttl, **table}, record.notes
        )
        self.zone.names[name] = pool


def _rest(table: Table) -> Table:
    return {key: value for key, value in table.items() if key != "members"}


def _members(table: Table) -> list[Table]:
    members = table["members"]
    assert isinstance(members, list)
    return members
