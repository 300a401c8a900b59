"""Loading a config file: its settings, or all of its problems."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from dinamed.config import (
    catalog_rules,
    dnssec_rules,
    fleet_rules,
    places,
    pool_rules,
    secrets,
    transfer_rules,
    zone_folder,
    zone_rules,
)
from dinamed.config.dnssec import Dnssec
from dinamed.config.file_zones import DEFAULTS, FoundFiles
from dinamed.config.limits import Limits
from dinamed.config.places import Geo
from dinamed.config.query_log import QueryLog
from dinamed.config.reader import Reader
from dinamed.config.settings import Mgmt, ServerSettings, Settings, ZoneSettings
from dinamed.config.sources import INCLUDE, Sources, read_sources
from dinamed.config.stages import STAGES, StageKind
from dinamed.config.values import host_port, shown
from dinamed.problems import Problem

_TABLES = (
    "server",
    "limits",
    "query_log",
    "fleet",
    "mgmt",
    "geo",
    "keys",
    "dnssec",
    "zone_defaults",
    "zones",
    "catalogs",
    "pools",
)


@dataclass(frozen=True)
class LoadedConfig:
    """What a config file says.

    `settings` is None when there is any problem.  `zones` are the zones that could
    be read all the same, so that their files can be looked at too.  `sources` are the
    files it was read from; None if there is no config to be had at all.  `many` are
    the zones beside `zones`, which are a file each.
    """

    settings: Settings | None
    problems: list[Problem]
    zones: tuple[ZoneSettings, ...] = ()
    sources: Sources | None = None
    many: FoundFiles = field(default_factory=FoundFiles)

    @property
    def warnings(self) -> list[Problem]:
        """Warnings about the config itself."""
        return [] if self.sources is None else self.sources.warnings


def load(path: str, stages: Mapping[str, StageKind] = STAGES) -> LoadedConfig:
    """Read the config file at `path`; never raises for what it finds there.

    Zone files are only looked for, not read.  `stages` are what `select` may name.
    """
    sources = read_sources(path)
    if isinstance(sources, Problem):
        return LoadedConfig(None, [sources])
    try:
        return _settings(path, sources, stages)
    except RecursionError:
        return LoadedConfig(None, [Problem(path, None, "TOML", "nested too deeply")])


def _settings(
    path: str, sources: Sources, stages: Mapping[str, StageKind]
) -> LoadedConfig:
    reader = Reader(sources)
    reader.problems += sources.problems
    raw = sources.tables
    for key, value in raw.items():
        if key not in _TABLES:
            reader.unknown((key,), value, (*_TABLES, INCLUDE))
    server = reader.table(ServerSettings, raw.get("server", {}), ("server",))
    mgmt = reader.table(Mgmt, raw.get("mgmt", {}), ("mgmt",))
    limits = reader.table(Limits, raw.get("limits", {}), ("limits",))
    query_log = reader.table(QueryLog, raw.get("query_log", {}), ("query_log",))
    fleet = fleet_rules.read_fleet(reader, raw.get("fleet", {}))
    geo = _geo(reader, raw.get("geo", {}))
    pool_tables = _tables(reader, raw, "pools")
    defaults = _tables(reader, raw, DEFAULTS)
    zone_tables, many = zone_folder.with_folder(
        reader, server, _tables(reader, raw, "zones"), defaults
    )
    zone_tables, catalog = catalog_rules.with_catalog(
        reader, server, zone_tables, defaults
    )
    pools = pool_rules.read_pools(reader, pool_tables, stages)
    dnssec = reader.table(Dnssec, raw.get("dnssec", {}), ("dnssec",)) or Dnssec()
    zones = zone_rules.read_zones(
        reader, zone_tables, pool_tables, dnssec, catalog, many.names
    )
    common = [many.zones.common] if many.names else []
    zones = catalog_rules.with_shared_rights(zones, catalog, zone_tables, common)
    keys = transfer_rules.read_keys(reader, _tables(reader, raw, "keys"))
    catalogs = catalog_rules.read_catalogs(
        reader, _tables(reader, raw, "catalogs"), zones, keys, defaults
    )
    cookies: tuple[str, ...] = ()
    if server is not None:
        _check_server(reader, server)
        cookies = secrets.read_secrets(reader, server)
    transfer_rules.check_transfers(reader, zones, keys, server)
    known = {key.name for key in keys}
    for one in common:
        transfer_rules.check_shared_keys(reader, one.transfer, one.notify, known)
    dnssec_rules.check_dnssec(reader, zones, server)
    if (
        reader.problems
        or server is None
        or limits is None
        or query_log is None
        or fleet is None
        or mgmt is None
        or geo is None
    ):
        problems = sorted(reader.problems, key=place_of)
        fit = tuple(zone_rules.fit(reader, zones))
        return LoadedConfig(None, problems, fit, sources, many)
    settings = Settings(
        path=os.path.abspath(path),
        files=tuple(file.path for file in sources.files[1:]),
        include=sources.patterns,
        server=server,
        limits=limits,
        query_log=query_log,
        fleet=fleet,
        mgmt=mgmt,
        geo=geo,
        keys=tuple(keys),
        dnssec=dnssec,
        zones=tuple(zones),
        file_zones=many.zones,
        catalogs=tuple(catalogs),
        pools=tuple(pools),
        cookie_secrets=cookies,
    )
    return LoadedConfig(settings, [], settings.zones, sources, many)


def place_of(problem: Problem) -> tuple[str, int, str]:
    """How problems are sorted: by file, line, key."""
    return (problem.file, problem.line or 0, problem.key)


def _tables(reader: Reader, raw: dict[str, object], key: str) -> dict[str, object]:
    tables = raw.get(key, {})
    if isinstance(tables, dict):
        return tables
    reader.report((key,), f"expected tables [{key}.NAME], got {shown(tables)}")
    return {}


def _geo(reader: Reader, raw: object) -> Geo | None:
    """Read `[geo]`."""
    geo = reader.table(Geo, raw, ("geo",))
    if geo is None:
        return None
    for path, message in places.problems(geo):
        reader.report(("geo", *path), message)
    for at, file in enumerate(geo.databases):
        zone_rules.check_readable(reader, file, ("geo", "databases", at))
    return geo


def _check_server(reader: Reader, server: ServerSettings) -> None:
    """Check what is beyond the types in `[server]`."""
    seen: set[tuple[str, int | None]] = set()
    for path, texts in (
        (("server", "listen"), server.listen),
        (("server", "tls"), server.tls),
    ):
        if not reader.intact(path):
            continue
        for place, text in enumerate(texts):
            host, port = host_port(text)
            if path[1] == "tls" and port is None:
                port = 853
            if (host.lower(), port) in seen:
                reader.report((*path, place), f"{text} stands here twice")
            seen.add((host.lower(), port))
    state = server.state
    if state is not None and os.path.exists(state) and not os.path.isdir(state):
        reader.report(("server", "state"), f"{state} is not a folder")
