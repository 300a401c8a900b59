"""What must hold of `[server] catalog`, the zone, and of `[catalogs."NAME"]`."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.settings import (
    CatalogSettings,
    KeySettings,
    ServerSettings,
    ZoneSettings,
)
from dinamed.config.transfer_rules import (
    check_shared_keys,
    key_exists,
    read_primary,
    read_transfers,
)
from dinamed.config.transfers import catalog_name
from dinamed.config.zone_rules import zone_name
from dinamed.wire.names import WireName

KEYS = ("transfer", "notify")
"""The only keys that `[zones."NAME"]` may have for the catalog."""


def with_catalog(
    reader: Reader,
    server: ServerSettings | None,
    tables: Mapping[str, object],
    defaults: Mapping[str, object],
) -> tuple[dict[str, object], str | None]:
    """The tables of all zones with one for the catalog, and what it is called there.

    It has the `KEYS` of `[zone_defaults]` that it does not have itself.
    """
    found = dict(tables)
    if server is None or server.catalog is None:
        return found, None
    wanted = zone_name(server.catalog)
    name = next((one for one in found if _apex(one) == wanted), server.catalog)
    own = found.get(name, {})
    if not isinstance(own, dict):
        return found, name
    for key in own.keys() - set(KEYS):
        path: Path = ("zones", name, key)
        if key not in defaults or own[key] is not defaults[key]:
            reader.report(path, "the catalog is made here: it has transfer and notify")
    shared = {key: defaults[key] for key in KEYS if key in defaults}
    found[name] = shared | {key: own[key] for key in KEYS if key in own}
    return found, name


def _apex(name: str) -> WireName | None:
    try:
        return zone_name(name)
    except ValueError:
        return None  # told where zones are read


def with_shared_rights(
    zones: Sequence[ZoneSettings],
    name: str | None,
    tables: Mapping[str, object],
    common: Sequence[ZoneSettings] = (),
) -> list[ZoneSettings]:
    """The zones, the catalog `name` with the `KEYS` that nobody has given it.

    Who may transfer every other zone may transfer it, for those know all names anyway;
    and the peers that are told of every other zone are told of it.  `common` has what
    zones have that are not in `zones`, if there are such.
    """
    others = [*(zone for zone in zones if zone.name != name), *common]
    table = tables.get(name) if name is not None else None
    if not others or not isinstance(table, dict):
        return list(zones)
    shared = {
        key: tuple(
            one
            for one in getattr(others[0], key)
            if all(one in getattr(zone, key) for zone in others)
        )
        for key in KEYS
        if key not in table
    }
    return [replace(zone, **shared) if zone.name == name else zone for zone in zones]


def read_catalogs(
    reader: Reader,
    raw: Mapping[str, object],
    zones: Sequence[ZoneSettings],
    keys: Sequence[KeySettings],
    defaults: Mapping[str, object],
) -> list[CatalogSettings]:
    """Read every `[catalogs."NAME"]`; its members share the `KEYS` of `defaults`."""
    if not raw:
        return []
    shared = _shared(reader, defaults)
    taken = {apex: zone.name for zone in zones if (apex := _apex(zone.name))}
    known = {key.name for key in keys}
    found = []
    for name, table in raw.items():
        path: Path = ("catalogs", name)
        canonical = reader.apply(catalog_name, name, path)
        if not isinstance(canonical, str):
            continue
        first = taken.setdefault(zone_name(canonical), name)
        if first != name or any(zone.name == name for zone in zones):
            reader.report(path, f'the same zone as "{first}"')
        given = {"name": canonical, "primary": (), **shared}
        plain = table
        if isinstance(table, dict):
            one = table.get("primary")
            listed = [one] if isinstance(one, str | dict) else one
            listing = {} if listed is None else {"primary": listed}
            given["primary"] = read_primary(reader, listing, path)
            plain = {key: one for key, one in table.items() if key != "primary"}
        catalog = reader.table(CatalogSettings, plain, path, **given)
        if catalog is None:
            continue
        if not catalog.primary and reader.intact((*path, "primary")):
            reader.report((*path, "primary"), "a catalog needs a primary")
        key_exists(reader, catalog.key, known, (*path, "key"))
        for place, peer in enumerate(catalog.primary):
            key_exists(reader, peer.key, known, (*path, "primary", place))
        check_shared_keys(reader, catalog.transfer, catalog.notify, known)
        keyed = [replace(one, key=one.key or catalog.key) for one in catalog.primary]
        found.append(replace(catalog, primary=tuple(keyed)))
    return found


def _shared(reader: Reader, defaults: Mapping[str, object]) -> dict[str, object]:
    """The `KEYS` of `[zone_defaults]`, as they are read."""
    if reader.problems:
        return {}  # which may be about them, and are told once
    table = {key: defaults[key] for key in KEYS if key in defaults}
    path: Path = ("zone_defaults",)
    plain = {key: one for key, one in table.items() if key == "transfer"}
    zone = reader.table(ZoneSettings, plain, path, name=".")
    if zone is None:
        return {}
    zone = read_transfers(reader, zone, table, path)
    return {"transfer": zone.transfer, "notify": zone.notify}
