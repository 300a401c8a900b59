"""Builds a zone from the messages of a transfer.

Whoever sends them is trusted with the content of one zone, and with nothing else: what
it sends is bounded, checked for its form, and kept only if it makes a zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dinamed.transfers.journal import Delta, serial_of
from dinamed.transfers.rebuild import rebuilt
from dinamed.transfers.records import MOST_ODD, Record, RecordReader
from dinamed.transfers.serial import newer
from dinamed.wire.constants import FLAG_QR, Rcode, Type
from dinamed.wire.names import WireName, is_within, relative, to_text
from dinamed.wire.question import FormatError
from dinamed.zones.canonical import canonical_rdata
from dinamed.zones.masterdata import MasterData, new_records, type_text
from dinamed.zones.merge import Merger
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone
from dinamed.zones.packer import assemble

MAX_OCTETS = 1 << 29
"""Octets of messages in one transfer."""
MAX_RECORDS = 20_000_000

_META = frozenset((Type.OPT, Type.TSIG, *range(249, 256)))
_ADDRESSES = frozenset((Type.A, Type.AAAA, Type.CNAME))


class TransferError(Exception):
    """A transfer is refused; the message is for the operator's log."""


@dataclass(frozen=True)
class TransferLimits:
    """Limits on the size of one transfer."""

    octets: int = MAX_OCTETS
    records: int = MAX_RECORDS


@dataclass
class _IncrementStep:
    """One part of an IXFR: its last SOA so far, what goes, what comes."""

    soa: Record
    removed: list[Record] = field(default_factory=list)
    added: list[Record] = field(default_factory=list)


class Incoming:
    """One transfer, AXFR or IXFR, into a zone; feed it with `take` until it is true.

    `have` is the version that we have, of which an IXFR begins.
    """

    def __init__(
        self,
        origin: WireName,
        ident: bytes,
        have: PackedZone | None = None,
        limits: TransferLimits | None = None,
    ) -> None:
        self.origin = origin
        self.have = have
        self.ignored = 0
        """Records outside of the zone."""
        self.odd: list[str] = []
        """Records whose data were taken as they are: see `RecordReader.odd`."""
        self.current = False
        """Whether all that came was that we have the newest version."""
        self.result: tuple[PackedZone, list[Delta] | None] | None = None
        """For the caller, to keep what `finish` has made."""
        self._limits = limits or TransferLimits()
        self._ident = ident
        self._octets = 0
        self.count = 0
        """Records that have come."""
        self._soa: Record | None = None
        self._done = False
        self._whole: MasterData | None = None
        self._steps: list[_IncrementStep] = []
        self._adding = True

    def take(self, message: bytes) -> bool:
        """Take the next message (its signature already checked); whether it is all.

        Raises `TransferError`.
        """
        self._octets += len(message)
        if self._octets > self._limits.octets:
            raise TransferError(f"more than {self._limits.octets} octets")
        try:
            self._take(message)
        except FormatError as error:
            raise TransferError(f"malformed: {error}") from None
        return self._done

    def _take(self, message: bytes) -> None:
        reader = RecordReader(message)
        counts = reader.counts
        if counts.id != self._ident or not counts.flags & FLAG_QR:
            raise TransferError("a message that is no reply to ours")
        if counts.rcode:
            raise TransferError(f"refused with {rcode_text(counts.rcode)}")
        if not counts.answers:
            raise TransferError("a message without records")
        for record in reader.records(counts.answers):
            self.count += 1
            if self.count > self._limits.records:
                raise TransferError(f"more than {self._limits.records} records")
            self._record(record)
        self.odd += reader.odd[: MOST_ODD - len(self.odd)]
        if self.count == 1 and self._soa is not None and self.have is not None:
            serial = serial_of(self._soa)
            if not newer(serial, self.have.serial):
                self.current = self._done = True

    def _record(self, record: Record) -> None:
        if self._done:
            raise TransferError("records after the last one")
        if self._soa is None:
            if record.type != Type.SOA or record.owner.lower() != self.origin:
                raise TransferError("does not begin with the zone's SOA")
            self._soa = record
        elif record.type == Type.SOA:
            self._border(record, self._soa)
        else:
            if self._whole is None and not self._steps:
                self._whole = MasterData(
                    self.origin, [to_text(self.origin)], records=new_records()
                )
            self._data(record)

    def _border(self, record: Record, soa: Record) -> None:
        """An SOA within the transfer: the end, or in an IXFR the next part."""
        if record.owner.lower() != self.origin:
            raise TransferError("an SOA of another zone")
        serial = serial_of(record)
        if self._whole is not None:
            if serial != serial_of(soa):
                raise TransferError("ends with another serial than it began with")
            self._done = True
        elif self._adding:
            if self._steps and serial == serial_of(soa):
                if serial_of(self._steps[-1].soa) != serial:
                    raise TransferError("the steps do not lead to the new serial")
                self._done = True
                return
            expected = serial_of(self._steps[-1].soa) if self._steps else self._serial()
            if serial != expected:
                raise TransferError(f"begins at serial {serial}, not at {expected}")
            self._steps.append(_IncrementStep(record))
            self._adding = False
        else:
            self._steps[-1].soa = record
            self._adding = True

    def _serial(self) -> int:
        if self.have is None:
            raise TransferError("differences to what we do not have")
        return self.have.serial

    def _data(self, record: Record) -> None:
        owner = record.owner.lower()
        if not is_within(owner, self.origin) or record.type in _META:
            self.ignored += 1
            return
        if self._whole is None:
            step = self._steps[-1]
            (step.added if self._adding else step.removed).append(record)
            return
        data = self._whole
        key = relative(owner, self.origin)
        data.add(key, record.type, record.ttl, 0, record.rdata)

    def finish(self) -> tuple[PackedZone, list[Delta] | None]:
        """The zone, and the steps to it if there were any.

        Takes some microseconds a name of the zone.  Raises `TransferError` if what
        came is no zone.
        """
        assert self._done and self._soa is not None
        try:
            if self._whole is not None:
                return self._assembled(self._whole, self._soa), None
            assert self.have is not None
            return self._stepped(self.have)
        except ValueError as error:
            raise TransferError(str(error)) from None

    def _assembled(self, data: MasterData, soa: Record) -> PackedZone:
        if b"" not in data.ns_owners:
            raise TransferError("the zone has no NS record at its apex")
        data.add(b"", Type.SOA, soa.ttl, 0, soa.rdata)
        packed = assemble(
            self.origin,
            data.records,
            Merger(data).encode,
            data.marks(),
            {},
        )
        for problem in data.problems:
            raise TransferError(f"{problem.key}: {problem.message}")
        return PackedZone(packed)

    def _stepped(self, have: PackedZone) -> tuple[PackedZone, list[Delta]]:
        changes: dict[bytes, dict[int, RRset]] = {}
        deltas = []
        soa = Record(self.origin, Type.SOA, have.soa.ttl, have.soa.rdatas[0])
        for step in self._steps:
            for record in step.removed:
                _remove(_rrsets_at(changes, have, record.owner), record)
            for record in step.added:
                _add(_rrsets_at(changes, have, record.owner), record)
            removed, added = tuple(step.removed), tuple(step.added)
            deltas.append(Delta(soa, step.soa, removed, added))
            soa = step.soa
        apex = _rrsets_at(changes, have, self.origin)
        apex[Type.SOA] = RRset(Type.SOA, soa.ttl, (soa.rdata,))
        if Type.NS not in apex:
            raise TransferError("the zone has no NS record at its apex")
        for key, rrsets in changes.items():
            if Type.CNAME in rrsets and len(rrsets[Type.CNAME].rdatas) > 1:
                name = to_text(key + self.origin)
                raise TransferError(f"{name} has two CNAME records")
        packed = rebuilt(
            have, {key: list(one.values()) for key, one in changes.items()}
        )
        return packed, deltas


def _rrsets_at(
    changes: dict[bytes, dict[int, RRset]], zone: PackedZone, owner: WireName
) -> dict[int, RRset]:
    key = relative(owner.lower(), zone.origin)
    rrsets = changes.get(key)
    if rrsets is None:
        node = zone.node(key)
        rrsets = changes[key] = {} if node is None else dict(node.rrsets)
    return rrsets


def _remove(rrsets: dict[int, RRset], record: Record) -> None:
    rrset = rrsets.get(record.type)
    gone = canonical_rdata(record.type, record.rdata)
    rdatas = rrset.rdatas if rrset is not None else ()
    left = tuple(one for one in rdatas if canonical_rdata(record.type, one) != gone)
    if rrset is None or len(left) == len(rdatas):
        what = f"{to_text(record.owner)} {type_text(record.type)}"
        raise TransferError(f"removes what is not there: {what}")
    if left:
        rrsets[record.type] = rrset._replace(rdatas=left)
    else:
        del rrsets[record.type]


def _add(rrsets: dict[int, RRset], record: Record) -> None:
    rrset = rrsets.get(record.type)
    if rrset is None:
        rrsets[record.type] = RRset(record.type, record.ttl, (record.rdata,))
        return
    new = canonical_rdata(record.type, record.rdata)
    rdatas = tuple(
        one for one in rrset.rdatas if canonical_rdata(record.type, one) != new
    )
    rrsets[record.type] = RRset(record.type, record.ttl, (*rdatas, record.rdata))


def with_pools(zone: PackedZone, names: Mapping[bytes, str]) -> PackedZone:
    """The zone with names bound to pools; their own addresses and aliases go.

    Raises `ValueError` if that cannot be.
    """
    if not names:
        return zone
    if zone.signed:
        raise ValueError(
            "the primary signs it, so no name in it is bound to a pool: "
            "answers would have no signatures"
        )
    changes = {}
    for key in names:
        node = zone.node(key)
        rrsets = node.rrsets.values() if node is not None else ()
        changes[key] = [rrset for rrset in rrsets if rrset.type not in _ADDRESSES]
    return rebuilt(zone, changes, names)


def rcode_text(rcode: int) -> str:
    """The name of an rcode, or its number."""
    try:
        return Rcode(rcode).name
    except ValueError:
        return f"rcode {rcode}"
