"""From the hosts and groups of lbnamed and the first dinamed to a zone of labels."""

from collections.abc import Callable
from dataclasses import replace

from dinamed.formats.findings import Findings
from dinamed.formats.labels import Label, LabelRecord, LabelZone, Soa
from dinamed.formats.lbnamed import LbFile, LbGroup, LbHost, Shape
from dinamed.geo.countries import CONTINENTS, COUNTRIES
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, labels, to_text

Resolve = Callable[[str], list[bytes]]
"""From a host's name to its packed addresses."""

KINDS = ("country", "continent", "north-america", "@")
"""The order of the first dinamed: before the world everybody tries North America."""

DINAMED_TTL = 300
MX_TTL = 3600
_SOA = Soa(3600, 86400, 86400, 604800, 300)
_PEOPLE = (Shape.HUMAN1, Shape.HUMAN2)


def label_zone(
    file: str,
    origin: WireName,
    found: LbFile,
    serial: int,
    resolve: Resolve,
    findings: Findings,
) -> LabelZone:
    """The labels of the groups.

    Groups with dots are those of the first dinamed, by region.
    """
    by_region = found.base is not None or any(_dotted(key) for key in found.groups)
    if found.base is not None and found.base != origin:
        message = f"served as {to_text(origin)} all the same"
        findings.warning(file, None, f"base {to_text(found.base)}", message)
    known = _addresses(file, found, resolve, findings)
    ttl = DINAMED_TTL if by_region else 0
    made: dict[bytes, Label] = {}
    for key, group in found.groups.items():
        label = _label(file, found, group, known, by_region)
        head, target = split_region(key) if by_region else (key, b"")
        _put(made, head + target, label)
        if head + target != key:
            alias = Label(group.name, file, group.line, alias=head + target)
            made.setdefault(key, alias)
    return LabelZone(
        ttl=ttl,
        serial=serial,
        soa=_SOA,
        contact=b"\x0ahostmaster" + origin,
        primary=b"\x02ns" + origin,
        max_hosts=1,
        closest=False,
        kinds=KINDS if by_region else ("@",),
        labels=made,
        mx_ttl=MX_TTL,
        by_load=True,
        lbcd=found.shape in _PEOPLE,
    )


def increment_of(host: LbHost, by_region: bool) -> float:
    """The load that the old program adds to a host with each hand-out."""
    if by_region:
        return 1
    if host.factor is None:
        return 200
    return 10 * (10 - host.factor) + 3 * host.factor


def split_region(key: bytes) -> tuple[bytes, bytes]:
    """The name of a group, and the region that it is for (empty: the world).

    The first dinamed wrote `NAME.REGION.POOL`, pgeodns `NAME.POOL.REGION`.
    """
    parts = list(labels(key + b"\0"))
    if len(parts) > 2 and _is_region(parts[-2]):
        return _joined([*parts[:-2], parts[-1]]), _joined([parts[-2]])
    if len(parts) > 1 and _is_region(parts[-1]):
        return _joined(parts[:-1]), _joined([parts[-1]])
    return key, b""


def _addresses(
    file: str, found: LbFile, resolve: Resolve, findings: Findings
) -> dict[str, list[bytes]]:
    """The addresses of each host that has any."""
    known = {}
    for host in found.hosts.values():
        if host.address is not None:
            known[host.name] = [host.address]
        elif addresses := resolve(host.name):
            known[host.name] = addresses
        else:
            message = "no address is known of this host, left out"
            findings.warning(file, host.line, host.name, message)
    if not known:
        findings.problem(file, None, "hosts", "no address is known of any of them")
    return known


def _label(
    file: str,
    found: LbFile,
    group: LbGroup,
    known: dict[str, list[bytes]],
    by_region: bool,
) -> Label:
    records: dict[int, tuple[LabelRecord, ...]] = {}
    for name, share in group.shares.items():
        host = found.hosts[name]
        step = None if host.load is None else increment_of(host, by_region)
        for packed in known.get(name, ()):
            entry = LabelRecord(packed, share, host.line, "", name, host.load, step)
            rrtype = Type.A if len(packed) == 4 else Type.AAAA
            records[rrtype] = (*records.get(rrtype, ()), entry)
    if group.mx is not None:
        records[Type.MX] = (LabelRecord(b"\0\x0a" + group.mx, 0, group.line),)
    return Label(
        group.name,
        file,
        group.line,
        records,
        ttl=group.ttl,
        top_slice=group.top_slice,
    )


def _put(made: dict[bytes, Label], key: bytes, label: Label) -> None:
    """Add a label, to the records of one that is there already in the other order."""
    old = made.get(key)
    if old is None or old.alias is not None:
        made[key] = label
        return
    records = dict(old.records)
    for rrtype, entries in label.records.items():
        there = records.get(rrtype, ())
        datas = {entry.rdata for entry in there}
        new = tuple(entry for entry in entries if entry.rdata not in datas)
        records[rrtype] = (*there, *new)
    made[key] = replace(old, records=records)


def _dotted(key: bytes) -> bool:
    return bool(key) and len(key) > 1 + key[0]


def _is_region(label: bytes) -> bool:
    word = label.decode("latin-1")
    return word.upper() in COUNTRIES or word in CONTINENTS


def _joined(parts: list[bytes]) -> bytes:
    return b"".join(bytes((len(part),)) + part for part in parts)
