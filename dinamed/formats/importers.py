"""Importing another program's file, by its path."""

import socket
from collections.abc import Callable

from dinamed.formats.builder import build, imported
from dinamed.formats.findings import Findings
from dinamed.formats.geodns import modified, read_geodns
from dinamed.formats.groups import Resolve, label_zone
from dinamed.formats.imported import Imported
from dinamed.formats.lbnamed import read_lbnamed
from dinamed.formats.pgeodns import read_pgeodns
from dinamed.wire.names import WireName, to_text


def import_geodns(path: str, origin: WireName, health: str | None = None) -> Imported:
    """The zone `origin` from the JSON file of geodns at `path`.

    `health` is the folder of the status files; without one all hosts are in.
    """
    findings = Findings()
    zone = read_geodns(path, origin, findings)
    if zone is None:
        return imported(origin, findings)
    return build(origin, zone, findings, health)


def import_pgeodns(path: str, origin: WireName) -> Imported:
    """The zone `origin` from the config of pgeodns at `path`."""
    findings = Findings()
    zones = read_pgeodns(path, findings)
    zone = zones.get(origin)
    if zone is None:
        if not findings.count:
            known = ", ".join(map(to_text, zones)) or "none"
            message = f"there is no base {to_text(origin)} in this file, but {known}"
            findings.problem(path, None, "base", message)
        return imported(origin, findings)
    return build(origin, zone, findings)


def pgeodns_zones(path: str) -> list[Imported]:
    """All zones of the config of pgeodns at `path`; one without zones is a problem."""
    findings = Findings()
    zones = read_pgeodns(path, findings)
    if not zones and not findings.count:
        findings.problem(path, None, "base", "there is no base in this file")
    if findings.count:
        return [imported(b"\0", findings)]
    return [build(origin, zone, Findings()) for origin, zone in zones.items()]


def addresses_of(host: str) -> list[bytes]:
    """The packed addresses of a host, as the system knows them; empty if it doesn't."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return []
    packed = []
    for family, _, _, _, address in found:
        text = str(address[0]).partition("%")[0]
        packed.append(socket.inet_pton(family, text))
    return list(dict.fromkeys(packed))


def import_lbnamed(
    path: str, origin: WireName, resolve: Resolve = addresses_of
) -> Imported:
    """The zone `origin` from a file of lbnamed or of the first dinamed at `path`.

    Files written by people have no addresses: their hosts are looked up by `resolve`.
    """
    findings = Findings()
    found = read_lbnamed(path, findings)
    if found is None:
        return imported(origin, findings)
    serial = modified(path)
    zone = label_zone(path, origin, found, serial, resolve, findings)
    return build(origin, zone, findings)


IMPORTERS: dict[str, Callable[[str, WireName], Imported]] = {
    "geodns": import_geodns,
    "lbnamed": import_lbnamed,
    "pgeodns": import_pgeodns,
}
"""By the key in `[zones."NAME"]`."""
