"""From a zone of labels to records, pools, and what the labels are for whom."""

import ipaddress
import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from msgspec.structs import replace

from dinamed.config.check_forms import status_key
from dinamed.config.checks import StatusCheck
from dinamed.config.feeds import LbcdFeed
from dinamed.config.settings import MemberSettings, PoolSettings, StageSettings, Ttl
from dinamed.formats.findings import Findings
from dinamed.formats.imported import Imported
from dinamed.formats.labels import Label, LabelRecord, LabelZone
from dinamed.formats.targets import targeting_of
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, to_text
from dinamed.zones.model import RRset
from dinamed.zones.targeting import Sample

ADDRESSES = (Type.A, Type.AAAA)
MAX_MEMBER_NAME = 200
STATUS_INTERVAL = 2.0
"""Seconds between looks at a status file."""


def build(
    origin: WireName, zone: LabelZone, findings: Findings, health: str | None = None
) -> Imported:
    """Make everything; what can't be kept as it was is told in `findings`.

    `health` is the folder of geodns's status files.
    """
    builder = _Builder(origin, zone, findings, health)
    for key, label in zone.labels.items():
        builder.add(key, label)
    builder.apex()
    return builder.done()


def imported(origin: WireName, findings: Findings) -> Imported:
    """The result for a file with nothing to serve."""
    return Imported(
        origin,
        tuple(findings.files),
        tuple(findings.problems),
        tuple(findings.warnings),
    )


def pool_name(origin: WireName, key: bytes) -> str:
    """The name of the pool of a label; it has a colon, as no pool of a config."""
    label = to_text(key + b"\0")[:-1] if key else "@"
    return f"{to_text(origin)[:-1]}:{label}"


class _Builder:
    """Takes label after label."""

    def __init__(
        self,
        origin: WireName,
        zone: LabelZone,
        findings: Findings,
        health: str | None,
    ) -> None:
        self.health = health
        self.origin = origin
        self.zone = zone
        self.findings = findings
        self.rrsets: list[tuple[bytes, RRset]] = []
        self.pools: list[PoolSettings] = []
        self.names: dict[bytes, str] = {}
        self.samples: dict[bytes, dict[int, Sample]] = {}
        self.closest: set[str] = set()

    def add(self, key: bytes, label: Label) -> None:
        """Take in one label."""
        self._look_at(key, label)
        self._addresses(key, label)
        for rrtype, entries in label.records.items():
            if rrtype not in ADDRESSES and entries:
                self._records(key, label, rrtype, entries)

    def _look_at(self, key: bytes, label: Label) -> None:
        """Warn of labels that mean something else in the DNS."""
        if key and label.records.get(Type.NS):
            self._warn(label, "delegates the name: what lies below is not answered")
        if key.startswith(b"\x01*"):
            self._warn(label, "is a wildcard here")
        if label.health and not any(
            entry.health for entries in label.records.values() for entry in entries
        ):
            self._warn(label, "health: no record says whose; all are in")

    def _addresses(self, key: bytes, label: Label) -> None:
        lists: dict[int, Sequence[LabelRecord]]
        lists = {t: label.records.get(t, ()) for t in ADDRESSES}
        ttl = self._ttl(label)
        if label.health or any(len(entries) > 1 for entries in lists.values()):
            pool = self._pool(key, label, lists, ttl)
            if pool.members:
                self.pools.append(pool)
                self.names[key] = pool.name
            return
        for rrtype, entries in lists.items():
            if entries:
                self.rrsets.append((key, _rrset(rrtype, ttl, entries)))

    def _pool(
        self,
        key: bytes,
        label: Label,
        lists: Mapping[int, Sequence[LabelRecord]],
        ttl: int,
    ) -> PoolSettings:
        members: dict[str, MemberSettings] = {}
        for entries in lists.values():
            for entry, weight in zip(entries, shares(entries), strict=True):
                self._join(members, label, entry, weight)
        name = pool_name(self.origin, key)
        answers = label.max_hosts or self.zone.max_hosts
        closest = self.zone.closest if label.closest is None else label.closest
        select: tuple[StageSettings, ...] = (StageSettings("weighted"),)
        if closest and any(len(entries) > answers for entries in lists.values()):
            self.closest.add(name)
            select = (StageSettings("nearest", answers), *select)
        if self.zone.by_load:
            top = label.top_slice
            select = (
                StageSettings("best", top) if top > 1 else StageSettings("least"),
            )
        return PoolSettings(
            name=name,
            ttl=Ttl(ttl, ttl),
            answers=answers,
            select=select,
            check=self._check(label, lists.values()),
            load=LbcdFeed() if self.zone.lbcd else None,
            members=tuple(members.values()),
        )

    def _check(
        self, label: Label, lists: Iterable[Sequence[LabelRecord]]
    ) -> tuple[StatusCheck, ...]:
        """The check of what status files say, where the label wants it."""
        if not label.health:
            return ()
        keys = []
        for entry in chain.from_iterable(lists):
            text = str(ipaddress.ip_address(entry.rdata))
            try:
                keys += [(text, status_key(entry.health))] if entry.health else []
            except ValueError as error:
                self._warn(label, f"health of {text}: {error}")
        if not keys:
            return ()
        if self.health is None:
            self._warn(label, "health: no folder of status files is known")
            return ()
        return (
            StatusCheck(
                directory=self.health,
                keys=tuple(sorted(keys)),
                interval=STATUS_INTERVAL,
                rise=1,
                fall=1,
            ),
        )

    def _join(
        self,
        members: dict[str, MemberSettings],
        label: Label,
        entry: LabelRecord,
        weight: float,
    ) -> None:
        """Make a member of an address, or one more address of a member."""
        text = str(ipaddress.ip_address(entry.rdata))
        if weight == 0:
            self._warn(label, f"{text} has weight 0, and is never given")
        name = entry.host or text
        if not name.isprintable() or len(name) > MAX_MEMBER_NAME or not name.isascii():
            name = text
        made = MemberSettings(
            name=name,
            addresses=(text,),
            weight=weight,
            load=entry.load,
            increment=entry.increment,
        )
        same = members.get(name)
        if same is not None:
            made = replace(same, addresses=(*same.addresses, text))
        members[name] = made

    def _records(
        self, key: bytes, label: Label, rrtype: int, entries: Sequence[LabelRecord]
    ) -> None:
        ttl = self._ttl(label)
        if rrtype == Type.NS:
            ttl = label.ttl or self.zone.ns_ttl
        if rrtype == Type.MX and self.zone.mx_ttl is not None:
            ttl = self.zone.mx_ttl
        alias = rrtype == Type.CNAME
        if any(entry.health for entry in entries):
            self._warn(label, "health is followed for addresses alone")
        if len(entries) > 1 and (alias or any(entry.weight for entry in entries)):
            count = 1 if alias else label.max_hosts or self.zone.max_hosts
            pairs = list(zip(entries, shares(entries), strict=True))
            given = [pair for pair in pairs if pair[1]]
            # Those of weight 0 fill up what the others leave of an answer.
            idle = [entry for entry, weight in pairs if not weight]
            entries = [entry for entry, _ in given]
            entries += idle[: max(0, count - len(given))]
            if count < len(entries):
                sample = Sample(tuple(weight for _, weight in given), count)
                self.samples.setdefault(key, {})[rrtype] = sample
        self.rrsets.append((key, _rrset(rrtype, ttl, entries)))

    def apex(self) -> None:
        """The SOA; and a warning where nobody serves the zone."""
        soa = self.zone.soa
        numbers = (self.zone.serial, soa.refresh, soa.retry, soa.expire, soa.minimum)
        rdata = self.zone.primary + self.zone.contact + struct.pack("!5I", *numbers)
        self.rrsets.append((b"", RRset(Type.SOA, soa.ttl, (rdata,))))
        if not any(key == b"" and rrset.type == Type.NS for key, rrset in self.rrsets):
            file = next(iter(self.findings.files), "")
            message = "the zone has no name servers at its apex"
            self.findings.warning(file, None, to_text(self.origin), message)

    def _ttl(self, label: Label) -> int:
        return label.ttl if label.ttl is not None else self.zone.ttl

    def _warn(self, label: Label, message: str) -> None:
        self.findings.warning(label.file, label.line, f'"{label.text}"', message)

    def done(self) -> Imported:
        """All of it; nothing to serve if there is a problem."""
        if self.findings.count:
            return imported(self.origin, self.findings)
        aliases = {
            key: label.alias
            for key, label in self.zone.labels.items()
            if label.alias is not None
        }
        targeting = targeting_of(
            self.origin, self.zone.kinds, self.zone.labels, aliases, self.samples
        )
        return Imported(
            self.origin,
            tuple(self.findings.files),
            warnings=tuple(self.findings.warnings),
            rrsets=tuple(self.rrsets),
            pools=tuple(self.pools),
            names=self.names,
            bare=frozenset(self.zone.labels) | targeting.heads,
            targeting=None if targeting.empty else targeting,
            closest=frozenset(self.closest),
        )


def shares(entries: Sequence[LabelRecord]) -> list[float]:
    """The weight of each; where all are 0 they are equal."""
    if any(entry.weight for entry in entries):
        return [float(entry.weight) for entry in entries]
    return [1.0] * len(entries)


def _rrset(rrtype: int, ttl: int, entries: Iterable[LabelRecord]) -> RRset:
    return RRset(int(rrtype), ttl, tuple(entry.rdata for entry in entries))
