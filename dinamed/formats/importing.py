"""From the path of an old file to what dinamed serves."""

from dinamed.formats.building import build, imported
from dinamed.formats.findings import Findings
from dinamed.formats.geodns import read_geodns
from dinamed.formats.imported import Imported
from dinamed.formats.pgeodns import read_pgeodns
from dinamed.wire.names import WireName, to_text


def import_geodns(path: str, origin: WireName) -> Imported:
    """The zone `origin` from the JSON file of geodns at `path`."""
    findings = Findings()
    zone = read_geodns(path, origin, findings)
    return imported(origin, findings) if zone is None else build(origin, zone, findings)


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
