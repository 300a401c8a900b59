"""The zone of `[server] catalog`: who may transfer it, and who is told of changes."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.settings import ServerSettings, ZoneSettings
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
    zones: Sequence[ZoneSettings], name: str | None, tables: Mapping[str, object]
) -> list[ZoneSettings]:
    """The zones, the catalog `name` with the `KEYS` that nobody has given it.

    Who may transfer every other zone may transfer it, for those know all names anyway;
    and the peers that are told of every other zone are told of it.
    """
    others = [zone for zone in zones if zone.name != name]
    table = tables.get(name) if name is not None else None
    if not others or not isinstance(table, dict):
        return list(zones)
    common = {
        key: tuple(
            one
            for one in getattr(others[0], key)
            if all(one in getattr(zone, key) for zone in others)
        )
        for key in KEYS
        if key not in table
    }
    return [replace(zone, **common) if zone.name == name else zone for zone in zones]
