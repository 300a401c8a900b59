"""Reads the config and the zones of gdnsd, and says the same in dinamed's way."""

import os
import re
from collections.abc import Iterator

from dinamed.formats.gdnsd_map import TARGETS, DatacenterMap
from dinamed.formats.gdnsd_pools import CannotConvertError, Hash, PoolMaker
from dinamed.formats.migrated import MigratedZone, Migration
from dinamed.formats.vscf import read_vscf
from dinamed.formats.zone_lines import DEFAULT_TTL, ORIGIN, ZoneLines
from dinamed.geo.countries import CONTINENTS
from dinamed.zones.words import any_ttl

CONFIG = "config"
ROOT = "ROOT_ZONE"
_TTL = 86400
_DYN = re.compile(
    r"(?P<owner>\S*)\s+(?:(?P<ttl>[0-9][0-9wdhmsWDHMS]*)(?:/[0-9A-Za-z]+)?\s+)?"
    r"(?:IN\s+)?(?P<type>DYNA|DYNC)\s+(?P<what>[^\s;]+)\s*(?:;.*)?",
    re.IGNORECASE,
)
_OURS = re.compile(r"\$(?:ADDR_LIMIT_V[46]|INCLUDE)\b", re.IGNORECASE)


def read_gdnsd(folder: str) -> Migration:
    """Convert what stands in gdnsd's folder.  Raises `VscfError`, `OSError`."""
    path = os.path.join(folder, CONFIG)
    config: Hash = read_vscf(path) if os.path.exists(path) else {}
    migration = Migration()
    options = config.get("options", {})
    if isinstance(options, dict):
        _options(options, migration)
    maker = PoolMaker(config, migration)
    zones = os.path.join(folder, "zones")
    default = _TTL
    if isinstance(options, dict) and "zones_default_ttl" in options:
        default = int(str(options["zones_default_ttl"]))
    for name in sorted(os.listdir(zones)):
        if not name.startswith("."):
            file = os.path.join(zones, name)
            migration.zones.append(_Zone(file, maker, default).read())
    return migration


def _options(options: Hash, migration: Migration) -> None:
    listen = options.get("listen")
    if isinstance(listen, list):
        migration.server["listen"] = [str(one) for one in listen]
    elif isinstance(listen, str) and listen != "any":
        migration.server["listen"] = [listen]
    for key in options:
        if key not in ("listen", "zones_default_ttl"):
            migration.notes.append(f"option {key} of gdnsd: see the manual, Config")


def zone_name(file: str) -> str:
    """The zone of a file's name: `@` stands for `/`, `ROOT_ZONE` for the root."""
    name = os.path.basename(file)
    return "." if name == ROOT else name.removesuffix(".").replace("@", "/").lower()


class _Zone(ZoneLines):
    """One zone file, line by line."""

    def __init__(self, file: str, maker: PoolMaker, ttl: int) -> None:
        name = zone_name(file)
        safe = name.replace("/", "@") if name != "." else "root"
        super().__init__(MigratedZone(name, f"{safe}.zone", ""), ttl)
        self.file = file
        self.maker = maker

    def read(self) -> MigratedZone:
        """All of it."""
        with open(self.file, encoding="utf-8", errors="surrogateescape") as file:
            lines = [self._line(line.rstrip("\r\n")) for line in file]
        head = [] if any(map(DEFAULT_TTL.match, lines)) else [f"$TTL {self.ttl}"]
        text = "\n".join([*head, *lines]) + "\n"
        self.zone.text = text.encode("utf-8", "surrogateescape").decode("latin-1")
        return self.zone

    def _line(self, line: str) -> str:
        if match := ORIGIN.match(line):
            self.origin = self.absolute(match[1]).rstrip(".")
        elif match := DEFAULT_TTL.match(line):
            ttl = any_ttl(match[1])
            self.ttl = self.ttl if ttl is None else ttl
        elif _OURS.match(line):
            self.zone.notes.append(f"left out: {line}")
            return f"; {line}"
        elif match := _DYN.fullmatch(line):
            self.hide(match["owner"])
            self._bind(match)
            return f"; {line}"
        return self.keep(line)

    def _bind(self, match: re.Match[str]) -> None:
        """Bind the owner to the pool of a resource, or say why not."""
        ttl = any_ttl(match["ttl"]) if match["ttl"] else self.ttl
        what = match["what"]
        try:
            self._bound(what, self.ttl if ttl is None else ttl)
        except CannotConvertError as error:
            left = f"{self.absolute(self.owner)} {match['type']} {what}: {error}"
            self.maker.migration.left.append(left)
            self.zone.notes.append(f"left out: {left}")

    def _bound(self, what: str, ttl: int) -> None:
        name = self.relative(self.absolute(self.owner))
        places = self.maker.map_of(what)
        self.zone.names[name] = self.maker.pool(what, ttl)
        if places is None:
            return
        for note in places.notes:
            if note not in self.zone.notes:
                self.zone.notes.append(note)
        self._geo(places)
        if name.startswith("*"):
            if places.orders:
                self.zone.notes.append(f"{name} has one order for all places here")
            return
        for target, order in places.orders.items():
            self.zone.targets = TARGETS
            key = target if name == "@" else f"{name}.{target}"
            self.zone.names[key] = self.maker.ordered(what, order, ttl)

    def _geo(self, places: DatacenterMap) -> None:
        geo = self.maker.migration.geo
        folder = os.path.join(os.path.dirname(os.path.dirname(self.file)), "geoip")
        databases = geo.setdefault("databases", [])
        assert isinstance(databases, list)
        for file in places.databases:
            path = os.path.join(folder, file)
            if path not in databases:
                databases.append(path)
        networks = dict(_networks(places))
        if networks:
            known = geo.setdefault("networks", {})
            assert isinstance(known, dict)
            known.update(networks)


def _networks(places: DatacenterMap) -> Iterator[tuple[str, dict[str, str]]]:
    for prefix, target in places.networks.items():
        if target in CONTINENTS:
            yield prefix, {"continent": target}
        elif "-" in target:
            yield prefix, {"region": target}
        else:
            yield prefix, {"country": target.upper()}
