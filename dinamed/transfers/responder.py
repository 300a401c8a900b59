"""Answering what is signed or about whole zones: AXFR, IXFR, NOTIFY, UPDATE."""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

from dinamed.config.settings import ZoneSettings
from dinamed.config.transfers import KEY_PREFIX, Grant
from dinamed.limits.complaints import Complaints
from dinamed.plans.context import packed, unpacked
from dinamed.plans.engine import Usual
from dinamed.plans.executor import Executor
from dinamed.plans.plan import PROHIBITED, Fixed
from dinamed.plans.reply import opt_of, without_records
from dinamed.transfers.grants import holds_any, may_update
from dinamed.transfers.journal import Delta
from dinamed.transfers.outgoing import incremental, messages, serial_asked, whole_zone
from dinamed.transfers.records import RecordReader
from dinamed.transfers.tsig import (
    BadSignature,
    Keys,
    Signer,
    find_signature,
    key_text,
    refusal,
    unsigned,
    verify,
)
from dinamed.transfers.update import (
    RRsets,
    UpdateError,
    changes_of,
    read_update,
)
from dinamed.transfers.view import View
from dinamed.wire.constants import (
    CLASS_IN,
    FLAG_AA,
    FLAG_TC,
    Rcode,
    Type,
)
from dinamed.wire.later import Later, changed
from dinamed.wire.many import FirstOfMany
from dinamed.wire.names import WireName, from_text, to_text
from dinamed.wire.query import Kind, Query
from dinamed.wire.question import FormatError
from dinamed.zones.packed import PackedZone

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Changed = Mapping[bytes, RRsets]


@dataclass(frozen=True)
class ZoneRules:
    """Who may transfer, notify or update a zone; keys by wire-form name."""

    networks: tuple[Network, ...] = ()
    keys: frozenset[WireName] = frozenset()
    grants: tuple[Grant, ...] = ()
    primaries: Mapping[bytes, frozenset[WireName | None]] = field(default_factory=dict)
    """The keys of each primary, by its packed address; None: unsigned will do."""

    @classmethod
    def of(cls, zone: ZoneSettings) -> "ZoneRules":
        """The rules in a zone's settings."""
        primaries: dict[bytes, frozenset[WireName | None]] = {}
        for peer in zone.primary:
            key = wire_key(peer.key) if peer.key is not None else None
            host = packed(peer.host)
            primaries[host] = primaries.get(host, frozenset()) | {key}
        keys = [t for t in zone.transfer if t.startswith(KEY_PREFIX)]
        return cls(
            tuple(ipaddress.ip_network(t) for t in zone.transfer if t not in keys),
            frozenset(wire_key(t.removeprefix(KEY_PREFIX)) for t in keys),
            zone.update,
            primaries,
        )

    def may_transfer(self, source: bytes, key: WireName | None) -> bool:
        """Whether a client at an address, or the holder of a key, gets the zone."""
        if key is not None and key in self.keys:
            return True
        address = ipaddress.ip_address(source)
        return any(
            network.version == address.version and address in network
            for network in self.networks
        )

    def may_notify(self, source: bytes, key: WireName | None) -> bool:
        """Whether a primary tells of a change, signed as was agreed with it."""
        keys = self.primaries.get(source, frozenset())
        return key in keys or None in keys


class RulesOfZones:
    """The rules of each zone, made when somebody asks for the first time."""

    def __init__(self, zones: Mapping[WireName, ZoneSettings]) -> None:
        self._zones = zones
        self._made: dict[WireName, ZoneRules] = {}

    def get(self, origin: WireName) -> ZoneRules | None:
        """The rules of a zone of ours; None if it is none."""
        rules = self._made.get(origin)
        if rules is None:
            zone = self._zones.get(origin)
            if zone is None:
                return None
            rules = self._made[origin] = ZoneRules.of(zone)
        return rules


def wire_key(name: str) -> WireName:
    """The name of a key, from the config's form."""
    return from_text(name + ".").lower()


class Zones(Protocol):
    """What the responder needs of the keeper of the zones."""

    def view(self, origin: WireName) -> View | None:
        """The zone as it is served; None if it is not ready."""

    def since(self, origin: WireName, serial: int, current: int) -> list[Delta] | None:
        """As `Journal.since`."""

    def update(
        self,
        origin: WireName,
        change: Callable[[PackedZone], tuple[Changed, int | None]],
        done: Callable[[Changed | UpdateError], object],
    ) -> None:
        """Have `change` say how the zone is to be, and save and serve that.

        `done` is told the names that have changed, or why none has: now or later.
        """

    def notified(self, origin: WireName, serial: int | None) -> None:
        """A primary says that a zone has changed."""


class _ZoneRequest(NamedTuple):
    """One message on its way: `data` is without the signature."""

    executor: Executor
    query: Query
    data: bytes
    source: bytes
    stream: bool
    key: WireName | None
    signer: Signer | None


class TransferResponder:
    """What an engine hands its unusual messages to: its `special`.

    `tell` takes a line for the log: of what has been let through, and once for each
    client and minute of what has been refused.
    """

    def __init__(self, zones: Zones, tell: Callable[[str], None]) -> None:
        self.rules = RulesOfZones({})
        self.keys: Keys = {}
        self._complaints = Complaints()
        self._zones = zones
        self._tell = tell

    def configure(self, zones: Mapping[WireName, ZoneSettings], keys: Keys) -> None:
        """Go by another config."""
        self.rules = RulesOfZones(zones)
        self.keys = keys

    def respond(
        self, executor: Executor, query: Query, data: bytes, source: bytes, stream: bool
    ) -> bytes:
        """The reply to one message."""
        request = _ZoneRequest(executor, query, data, source, stream, None, None)
        try:
            signature = find_signature(data)
            if signature is None:
                return self._route(request)
            now = executor.seconds()
            verify(data, signature, self.keys, now)
        except FormatError:
            return _bare(request, Rcode.FORMERR)
        except BadSignature as bad:
            assert signature is not None
            self._complain(request, f"NOTAUTH ({bad})")
            reply = _bare(request, Rcode.NOTAUTH)
            return refusal(reply, signature, self.keys, bad.error, now)
        key = signature.name
        signer = Signer(self.keys[key], signature.data.mac)
        data = unsigned(data, signature)
        request = request._replace(data=data, key=key, signer=signer)
        reply = self._route(request)
        if isinstance(reply, FirstOfMany):
            return reply  # signed as its messages are made
        return changed(reply, partial(_signed, request, signer))

    def _route(self, request: _ZoneRequest) -> bytes:
        try:
            match request.query.kind:
                case Kind.NOTIFY:
                    return self._notify(request)
                case Kind.UPDATE:
                    return self._update(request)
                case Kind.TRANSFER:
                    return self._transfer(request)
        except FormatError:
            return _bare(request, Rcode.FORMERR)
        return _as_usual(request)

    def _complain(self, request: _ZoneRequest, why: str) -> None:
        """Log that a client was refused, once a minute for each."""
        host, query = unpacked(request.source), request.query
        if self._complaints.worth(host, request.executor.seconds()):
            what = "update" if query.kind is Kind.UPDATE else "request"
            self._tell(f"{to_text(query.question.key)}: {what} from {host}: {why}")

    def _transfer(self, request: _ZoneRequest) -> bytes:
        query, question = request.query, request.query.question
        rules = self.rules.get(question.key)
        if rules is None or question.class_ != CLASS_IN:
            return _as_usual(request)
        if not rules.may_transfer(request.source, request.key):
            return _refused(request)
        view = self._zones.view(question.key)
        if view is None:
            return _as_usual(request)
        full = question.type == Type.AXFR
        if full and not request.stream:
            return _refused(request)  # RFC 5936 section 4.2: not over UDP
        if full:
            records = whole_zone(view)
        else:
            serial = serial_asked(query, request.data)
            since = partial(self._zones.since, question.key)
            # RFC 1995 section 2: the SOA alone has the secondary come again over TCP.
            records = (
                incremental(view, serial, since) if request.stream else iter([view.soa])
            )
        opt, seconds = _opt(request), request.executor.seconds
        if not request.stream:
            return next(messages(query, records, opt, None, seconds))
        made = messages(query, records, opt, request.signer, seconds)
        host = unpacked(request.source)
        self._tell(
            f"{to_text(question.key)} serial {view.serial}: "
            f"{Type(question.type).name} to {host}{_by(request.key)}"
        )
        return FirstOfMany.of(made)

    def _notify(self, request: _ZoneRequest) -> bytes:
        query, question = request.query, request.query.question
        rules = self.rules.get(question.key)
        if rules is None or question.class_ != CLASS_IN or question.type != Type.SOA:
            return _as_usual(request)
        if not rules.may_notify(request.source, request.key):
            return _refused(request)
        reader = RecordReader(request.data)
        serial = None
        for record in reader.records(reader.counts.answers):
            if record.type == Type.SOA and record.owner.lower() == question.key:
                serial = int.from_bytes(record.rdata[-20:-16], "big")
        self._zones.notified(question.key, serial)
        return without_records(query, FLAG_AA, Rcode.NOERROR, _opt(request))

    def _update(self, request: _ZoneRequest) -> bytes:
        question = request.query.question
        rules = self.rules.get(question.key)
        if question.type != Type.SOA:
            return _bare(request, Rcode.FORMERR)
        if rules is None or question.class_ != CLASS_IN:
            self._complain(request, "NOTAUTH: this is no zone of ours")
            return _bare(request, Rcode.NOTAUTH)
        key = request.key
        if key is None or not holds_any(rules.grants, key):
            why = "it is not signed"
            if key is not None:
                why = f"key {key_text(key)} may change nothing there"
            self._complain(request, f"REFUSED: {why}")
            return _refused(request)
        view = self._zones.view(question.key)
        if view is None:
            return _bare(request, Rcode.SERVFAIL)
        what = (
            f"{to_text(question.key)}: update from {unpacked(request.source)}{_by(key)}"
        )
        later = Later()

        def done(outcome: Changed | UpdateError) -> None:
            later.settle(self._updated(request, what, outcome))

        try:
            if view.zone.signed:
                raise UpdateError(Rcode.REFUSED, "the zone is signed elsewhere")
            update = read_update(request.data)
        except UpdateError as error:
            return self._updated(request, what, error)
        for odd in update.odd:
            self._tell(f"{what}: taken as it is: {odd}")
        allowed = partial(may_update, rules.grants, key)
        change = partial(changes_of, update, allowed, view.pools)
        self._zones.update(question.key, change, done)
        return later if later.reply is None else later.reply

    def _updated(
        self, request: _ZoneRequest, what: str, outcome: Changed | UpdateError
    ) -> bytes:
        """The reply to an update, by what has become of it."""
        if isinstance(outcome, UpdateError):
            why = f"{outcome.rcode.name}{_by(request.key)}: {outcome}"
            self._complain(request, why)
            fixed = PROHIBITED if outcome.rcode is Rcode.REFUSED else None
            return _bare(request, outcome.rcode, fixed)
        origin = request.query.question.key
        names = ", ".join(to_text(name + origin) for name in sorted(outcome)[:5])
        self._tell(f"{what}: {names or 'no change'}")
        return _bare(request, Rcode.NOERROR)


def _signed(request: _ZoneRequest, signer: Signer, reply: bytes) -> bytes:
    query = request.query
    if len(reply) + signer.overhead > query.limit(request.stream):
        flags = FLAG_TC | int.from_bytes(reply[2:4], "big") & FLAG_AA
        reply = without_records(query, flags, reply[3] & 0xF, _opt(request))
    return signer.sign(reply, request.executor.seconds())


def _by(key: WireName | None) -> str:
    return "" if key is None else f", key {key_text(key)}"


def _as_usual(request: _ZoneRequest) -> bytes:
    """The engine's own answer: data, or a refusal."""
    return Usual().respond(
        request.executor, request.query, request.data, request.source, request.stream
    )


def _refused(request: _ZoneRequest) -> bytes:
    return _bare(request, Rcode.REFUSED, PROHIBITED)


def _bare(request: _ZoneRequest, rcode: int, fixed: Fixed | None = None) -> bytes:
    return without_records(request.query, 0, rcode, _opt(request, fixed))


def _opt(request: _ZoneRequest, fixed: Fixed | None = None) -> bytes:
    return opt_of(request.query, fixed, request.executor.snapshot.identity, 0)
