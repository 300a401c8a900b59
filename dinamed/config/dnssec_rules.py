"""Reading `dnssec`: true, false or a table, over the defaults of `[dnssec]`."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from dinamed.config.dnssec import Dnssec
from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.settings import ServerSettings, ZoneSettings
from dinamed.config.values import shown

KEY = "dnssec"


def without_dnssec(table: object) -> object:
    """A zone's table without the key that `read_dnssec` reads."""
    if not isinstance(table, dict):
        return table
    return {key: value for key, value in table.items() if key != KEY}


def read_dnssec(
    reader: Reader,
    zone: ZoneSettings,
    table: Mapping[str, object],
    path: Path,
    defaults: Dnssec,
) -> ZoneSettings:
    """Read `dnssec` of a zone into it."""
    raw = table.get(KEY, False)
    if isinstance(raw, bool):
        return replace(zone, dnssec=defaults if raw else None)
    if not isinstance(raw, dict):
        here = (*path, KEY)
        reader.report(here, f"expected true, false or a table, got {shown(raw)}")
        return zone
    own = reader.table(Dnssec, raw, (*path, KEY))
    if own is None:
        return zone
    given = {key: getattr(own, key) for key in raw if key in Dnssec.__struct_fields__}
    return replace(zone, dnssec=replace(defaults, **given))


def check_dnssec(
    reader: Reader, zones: Iterable[ZoneSettings], server: ServerSettings | None
) -> None:
    """Report zones whose keys would have no place to stay."""
    for zone in zones:
        if zone.dnssec is None or zone.dnssec.keys is not None:
            continue
        if server is not None and server.state is None:
            why = "a key that is made here would be lost: set [server] state, or keys"
            reader.report(("zones", zone.name, KEY), why)
