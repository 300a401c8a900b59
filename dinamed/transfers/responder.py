"""Answering what is signed or about whole zones: AXFR, IXFR, NOTIFY, UPDATE."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

from dinamed.config.settings import ZoneSettings
from dinamed.config.transfers import KEY_PREFIX, Grant
from dinamed.limits.complaints import Complaints
from dinamed.plans.context import QueryContext, packed, unpacked
from dinamed.plans.engine import Engine
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
    Opcode,
    Rcode,
    Type,
)
from dinamed.wire.later import Later, changed
from dinamed.wire.many import FirstOfMany
from dinamed.wire.names import WireName, from_text, to_text
from dinamed.wire.query import Query
from dinamed.wire.question import FormatError
from dinamed.zones.packed import PackedZone

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Changed = Mapping[bytes, RRsets]


@dataclass(frozen=True)
class ZoneRules:
    """Who may do what with a zone; keys by their names in wire form."""

    networks: tuple[Network, ...] = ()
    keys: frozenset[WireName] = frozenset()
    grants: tuple[Grant, ...] = ()
    primaries: Mapping[str, frozenset[WireName | None]] = field(default_factory=dict)
    """The keys of each primary, by its address; None: unsigned will do."""

    @classmethod
    def of(cls, zone: ZoneSettings) -> "ZoneRules":
        """What the config says."""
        primaries: dict[str, frozenset[WireName | None]] = {}
        for peer in zone.primary:
            key = wire_key(peer.key) if peer.key is not None else None
            primaries[peer.host] = primaries.get(peer.host, frozenset()) | {key}
        keys = [t for t in zone.transfer if t.startswith(KEY_PREFIX)]
        return cls(
            tuple(ipaddress.ip_network(t) for t in zone.transfer if t not in keys),
            frozenset(wire_key(t.removeprefix(KEY_PREFIX)) for t in keys),
            zone.update,
            primaries,
        )

    def may_transfer(self, host: str, key: WireName | None) -> bool:
        """Whether a client at an address, or the holder of a key, gets the zone."""
        if key is not None and key in self.keys:
            return True
        address = ipaddress.ip_address(host)
        return any(
            network.version == address.version and address in network
            for network in self.networks
        )

    def may_notify(self, host: str, key: WireName | None) -> bool:
        """Whether a primary tells of a change, signed as was agreed with it."""
        keys = self.primaries.get(host, frozenset())
        return key in keys or None in keys


def wire_key(name: str) -> WireName:
    """The name of a key, from the config's form."""
    return from_text(name + ".").lower()


class Zones(Protocol):
    """What answering needs of those who keep the zones."""

    def view(self, origin: WireName) -> View | None:
        """What is served; None if the zone is not ready."""

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

    query: Query
    data: bytes
    host: str
    stream: bool
    key: WireName | None
    signer: Signer | None


class TransferResponder:
    """What an engine hands its unusual messages to: its `aside`.

    `tell` takes a line for the log: of what has been let through, and once for each
    client and minute of what has been refused.
    """

    def __init__(
        self, engine: Engine, zones: Zones, tell: Callable[[str], None]
    ) -> None:
        self.rules: Mapping[WireName, ZoneRules] = {}
        self.keys: Keys = {}
        self._engine = engine
        self._complaints = Complaints()
        self._zones = zones
        self._tell = tell

    def configure(
        self, zones: Iterable[tuple[WireName, ZoneSettings]], keys: Keys
    ) -> None:
        """Go by another config."""
        self.rules = {origin: ZoneRules.of(zone) for origin, zone in zones}
        self.keys = keys

    def respond(self, query: Query, data: bytes, host: str, stream: bool) -> bytes:
        """The reply to one message."""
        host = unpacked(packed(host))  # IPv4 in IPv6 as IPv4, no scope
        try:
            signature = find_signature(data)
            if signature is None:
                return self._route(_ZoneRequest(query, data, host, stream, None, None))
            now = self._engine.seconds()
            verify(data, signature, self.keys, now)
        except FormatError:
            return self._bare(query, Rcode.FORMERR)
        except BadSignature as bad:
            assert signature is not None
            self._complain(query, host, f"NOTAUTH ({bad})")
            reply = self._bare(query, Rcode.NOTAUTH)
            return refusal(reply, signature, self.keys, bad.error, now)
        key = signature.name
        signer = Signer(self.keys[key], signature.data.mac)
        data = unsigned(data, signature)
        reply = self._route(_ZoneRequest(query, data, host, stream, key, signer))
        if isinstance(reply, FirstOfMany):
            return reply  # signed as its messages are made
        return changed(reply, partial(self._signed, query, stream, signer))

    def _signed(
        self, query: Query, stream: bool, signer: Signer, reply: bytes
    ) -> bytes:
        if len(reply) + signer.overhead > query.limit(stream):
            flags = FLAG_TC | int.from_bytes(reply[2:4], "big") & FLAG_AA
            reply = without_records(query, flags, reply[3] & 0xF, self._opt(query))
        return signer.sign(reply, self._engine.seconds())

    def _route(self, request: _ZoneRequest) -> bytes:
        query = request.query
        try:
            if query.opcode == Opcode.NOTIFY:
                return self._notify(request)
            if query.opcode == Opcode.UPDATE:
                return self._update(request)
            if query.question.type in (Type.AXFR, Type.IXFR):
                return self._transfer(request)
        except FormatError:
            return self._bare(query, Rcode.FORMERR)
        return self._as_usual(request)

    def _as_usual(self, request: _ZoneRequest) -> bytes:
        """What the engine answers by itself: data, or a refusal."""
        context = QueryContext(request.query, packed(request.host), request.stream)
        return self._engine.execute(self._engine.plan(request.query), context)

    def _complain(self, query: Query, host: str, why: str) -> None:
        """Log that a client was refused, once a minute for each."""
        if self._complaints.worth(host, self._engine.seconds()):
            what = "update" if query.opcode == Opcode.UPDATE else "request"
            self._tell(f"{to_text(query.question.key)}: {what} from {host}: {why}")

    def _bare(self, query: Query, rcode: int, fixed: Fixed | None = None) -> bytes:
        return without_records(query, 0, rcode, self._opt(query, fixed))

    def _refused(self, query: Query) -> bytes:
        return self._bare(query, Rcode.REFUSED, PROHIBITED)

    def _opt(self, query: Query, fixed: Fixed | None = None) -> bytes:
        return opt_of(query, fixed, self._engine.snapshot.identity, 0)

    def _transfer(self, request: _ZoneRequest) -> bytes:
        query, question = request.query, request.query.question
        rules = self.rules.get(question.key)
        if rules is None or question.class_ != CLASS_IN:
            return self._as_usual(request)
        if not rules.may_transfer(request.host, request.key):
            return self._refused(query)
        view = self._zones.view(question.key)
        if view is None:
            return self._as_usual(request)
        full = question.type == Type.AXFR
        if full and not request.stream:
            return self._refused(query)  # RFC 5936 section 4.2: not over UDP
        if full:
            records = whole_zone(view)
        else:
            serial = serial_asked(query, request.data)
            since = partial(self._zones.since, question.key)
            # RFC 1995 section 2: the SOA alone has the secondary come again over TCP.
            records = (
                incremental(view, serial, since) if request.stream else iter([view.soa])
            )
        opt, seconds = self._opt(query), self._engine.seconds
        if not request.stream:
            return next(messages(query, records, opt, None, seconds))
        made = messages(query, records, opt, request.signer, seconds)
        self._tell(
            f"{to_text(question.key)} serial {view.serial}: "
            f"{Type(question.type).name} to {request.host}{_by(request.key)}"
        )
        return FirstOfMany.of(made)

    def _notify(self, request: _ZoneRequest) -> bytes:
        query, question = request.query, request.query.question
        rules = self.rules.get(question.key)
        if rules is None or question.class_ != CLASS_IN or question.type != Type.SOA:
            return self._as_usual(request)
        if not rules.may_notify(request.host, request.key):
            return self._refused(query)
        reader = RecordReader(request.data)
        serial = None
        for record in reader.records(reader.counts.answers):
            if record.type == Type.SOA and record.owner.lower() == question.key:
                serial = int.from_bytes(record.rdata[-20:-16], "big")
        self._zones.notified(question.key, serial)
        return without_records(query, FLAG_AA, Rcode.NOERROR, self._opt(query))

    def _update(self, request: _ZoneRequest) -> bytes:
        query, question = request.query, request.query.question
        rules = self.rules.get(question.key)
        if question.type != Type.SOA:
            return self._bare(query, Rcode.FORMERR)
        if rules is None or question.class_ != CLASS_IN:
            self._complain(query, request.host, "NOTAUTH: this is no zone of ours")
            return self._bare(query, Rcode.NOTAUTH)
        key = request.key
        if key is None or not holds_any(rules.grants, key):
            why = "it is not signed"
            if key is not None:
                why = f"key {key_text(key)} may change nothing there"
            self._complain(query, request.host, f"REFUSED: {why}")
            return self._refused(query)
        view = self._zones.view(question.key)
        if view is None:
            return self._bare(query, Rcode.SERVFAIL)
        what = f"{to_text(question.key)}: update from {request.host}{_by(key)}"
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
        query = request.query
        if isinstance(outcome, UpdateError):
            why = f"{outcome.rcode.name}{_by(request.key)}: {outcome}"
            self._complain(query, request.host, why)
            fixed = PROHIBITED if outcome.rcode is Rcode.REFUSED else None
            return self._bare(query, outcome.rcode, fixed)
        origin = query.question.key
        names = ", ".join(to_text(name + origin) for name in sorted(outcome)[:5])
        self._tell(f"{what}: {names or 'no change'}")
        return self._bare(query, Rcode.NOERROR)


def _by(key: WireName | None) -> str:
    return "" if key is None else f", key {key_text(key)}"
