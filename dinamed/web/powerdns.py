"""The HTTP API of PowerDNS, for the tools that speak it: `/servers` and below.

It reads and changes the records of zones, and nothing else: zones themselves come from
the config.  Whatever it gives needs the right to `records`, for whole zones are not
for everybody.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import Cooperator
from twisted.logger import Logger
from twisted.web.server import Request

from dinamed.server.update_queue import Changed
from dinamed.transfers.update import UpdateError
from dinamed.web.guard import Guard
from dinamed.web.parts import WebParts
from dinamed.web.powerdns_records import (
    apply_changes,
    lines_of,
    read_changes,
    rrsets_of,
)
from dinamed.web.resources import (
    Endpoint,
    Handler,
    HttpError,
    NoSuchAddress,
    Sends,
    Subtree,
    argument,
    body_of,
)
from dinamed.web.slowly import Streamed
from dinamed.wire.constants import Rcode
from dinamed.wire.names import (
    BadName,
    WireName,
    from_text,
    is_within,
    relative,
    to_text,
)
from dinamed.zones.packed import Node, PackedZone

API_VERSION = "4.9.0"
"""The version of PowerDNS whose API this is."""
_HERE = "/api/v1/servers/localhost"
_ESCAPED = re.compile("=([0-9A-Fa-f]{2})")
_SPECIAL = re.compile("[^A-Za-z0-9._-]")


class Pieces(Sends):
    """A body that is made little by little, while the client reads it."""

    def __init__(
        self, cooperator: Cooperator, kind: bytes, pieces: Iterable[bytes]
    ) -> None:
        self._cooperator = cooperator
        self._kind = kind
        self._pieces = pieces

    def send(self, request: Request) -> None:
        """Send headers and begin with the body."""
        request.setHeader(b"content-type", self._kind)
        request.setHeader(b"cache-control", b"no-store")
        request.setHeader(b"x-content-type-options", b"nosniff")
        if request.method == b"HEAD":
            request.finish()
            return
        Streamed(self._cooperator, request, self._pieces)


class NoContent(Sends):
    """Nothing but the news that it is done."""

    def send(self, request: Request) -> None:
        """Send the headers."""
        request.setResponseCode(204)
        request.setHeader(b"cache-control", b"no-store")
        request.finish()


class PowerdnsResource(Subtree):
    """`/servers`, and what is below."""

    log = Logger()

    def __init__(self, parts: WebParts, guard: Guard, cooperator: Cooperator) -> None:
        super().__init__()
        self._parts = parts
        self._guard = guard
        self._cooperator = cooperator

    def endpoint(self, path: list[str]) -> Endpoint:
        """What stands at a path below this one."""
        match path:
            case []:
                return self._guarded(GET=lambda request: [_server()])
            case ["localhost"]:
                return self._guarded(GET=lambda request: _server())
            case ["localhost", "config"]:
                return self._guarded(GET=lambda request: [])
            case ["localhost", "zones"]:
                return self._guarded(GET=self.zones)
            case ["localhost", "zones", zone]:
                return self._guarded(
                    GET=partial(self.zone, zone), PATCH=partial(self.patch, zone)
                )
            case ["localhost", "zones", zone, "export"]:
                return self._guarded(GET=partial(self.export, zone))
            case ["localhost", "zones", zone, "notify"]:
                return self._guarded(PUT=partial(self.notify, zone))
            case _:
                return NoSuchAddress()

    def _guarded(self, **handlers: Handler) -> Endpoint:
        """An address all of whose methods need the right to records."""
        by_method = {method.encode(): one for method, one in handlers.items()}
        return Endpoint({}, by_method, self._guard, "records")

    def zones(self, request: Request) -> Pieces:
        """All zones, or the one that is asked for, without records."""
        asked = argument(request, b"zone", "")
        zones = self._parts.engine.snapshot.zones
        if asked:
            try:
                origin = from_text(asked).lower()
            except BadName as error:
                raise HttpError(422, f"zone: {error}") from None
            chosen = iter([zones[origin]] if origin in zones else [])
        else:
            chosen = zones.one_by_one()
        told = (msgspec.json.encode(self._about(zone)) for zone in chosen)
        return self._json(_listed(told), b"[", b"]\n")

    def zone(self, name: str, request: Request) -> Pieces | dict[str, Any]:
        """One zone with its records; `rrset_name` and `rrset_type` choose from them.

        Raises `HttpError` 404.
        """
        zone = self._zone(name)
        about = self._about(zone)
        if argument(request, b"rrsets", "true").lower() == "false":
            return about
        rrtype = argument(request, b"rrset_type", "").upper()
        told = (
            msgspec.json.encode(rrset)
            for key, node in self._nodes(zone, argument(request, b"rrset_name", ""))
            for rrset in rrsets_of(zone, key, node)
            if rrtype in ("", rrset.type)
        )
        head = msgspec.json.encode(about)[:-1] + b',"rrsets":['
        return self._json(_listed(told), head, b"]}\n")

    def export(self, name: str, request: Request) -> Pieces:
        """One zone as a master file.  Raises `HttpError` 404."""
        zone = self._zone(name)
        lines = (
            "".join(lines_of(zone, key, node)).encode() for key, node in zone.nodes()
        )
        return Pieces(self._cooperator, b"text/plain; charset=utf-8", lines)

    def notify(self, name: str, request: Request) -> dict[str, str]:
        """Tell the secondaries of a zone its serial.  Raises `HttpError` 404."""
        zone = self._zone(name)
        transfers = self._parts.transfers
        told = transfers is not None and transfers.notify_again(zone.origin)
        return {"result": "Notification queued" if told else "Nobody is to be notified"}

    def patch(self, name: str, request: Request) -> Deferred[NoContent]:
        """Change records; the reply comes when they are saved and served.

        Raises `HttpError` 404, 422 with the reason; fails with 422 or 503.
        """
        origin = self._origin(name)
        transfers = self._parts.transfers
        why = "nothing is changed here"
        if transfers is not None:
            why = transfers.why_fixed(origin)
        if transfers is None or why:
            raise HttpError(422, f"{to_text(origin)} can't be changed: {why}")
        body = body_of(request, Any)
        try:
            wanted = read_changes(body, origin)
        except ValueError as error:
            raise HttpError(422, str(error)) from None
        result: Deferred[NoContent] = Deferred()
        who = self._guard.who(request)

        def done(outcome: Changed | UpdateError) -> None:
            if isinstance(outcome, UpdateError):
                status = 503 if outcome.rcode is Rcode.SERVFAIL else 422
                result.errback(HttpError(status, str(outcome)))
                return
            names = ", ".join(to_text(key + origin) for key in sorted(outcome)[:5])
            self.log.info(
                "{zone}: changed over HTTP by {who}: {names}",
                zone=to_text(origin),
                who=who,
                names=names or "no change",
            )
            result.callback(NoContent())

        transfers.update(origin, partial(apply_changes, wanted), done)
        return result

    def _zone(self, name: str) -> PackedZone:
        """A served zone by its id.  Raises `HttpError`: 404, 503 if it is not ready."""
        origin = self._origin(name)
        snapshot = self._parts.engine.snapshot
        if origin in snapshot.unready:
            raise HttpError(503, f"{to_text(origin)} was not fetched yet")
        return snapshot.zones[origin]

    def _origin(self, name: str) -> WireName:
        """The origin of a zone of ours by its id.  Raises `HttpError` 404."""
        try:
            origin = from_text(_ESCAPED.sub(_unescaped, name)).lower()
        except BadName:
            raise HttpError(404, "Not Found") from None
        if origin not in self._parts.engine.snapshot.zones:
            raise HttpError(404, "Not Found")
        return origin

    @staticmethod
    def _nodes(zone: PackedZone, name: str) -> Iterator[tuple[bytes, Node]]:
        """All names, or one."""
        if not name:
            yield from zone.nodes()
            return
        try:
            owner = from_text(name).lower()
        except BadName:
            return
        if is_within(owner, zone.origin):
            key = relative(owner, zone.origin)
            node = zone.node(key)
            if node is not None:
                yield key, node

    def _about(self, zone: PackedZone) -> dict[str, Any]:
        """A zone without its records."""
        name = to_text(zone.origin)
        identity = "=2E" if name == "." else _SPECIAL.sub(_escaped, name)
        transfers = self._parts.transfers
        secondary = transfers is not None and transfers.is_secondary(zone.origin)
        snapshot = self._parts.engine.snapshot
        return {
            "id": identity,
            "name": name,
            "type": "Zone",
            "url": f"{_HERE}/zones/{identity}",
            "kind": "Slave" if secondary else "Master",
            "serial": zone.serial,
            "edited_serial": zone.serial,
            "notified_serial": zone.serial,
            "last_check": 0,
            "masters": [],
            "dnssec": zone.signed or zone.origin in snapshot.online,
            "account": "",
            "api_rectify": False,
            "soa_edit": "",
            "soa_edit_api": "DEFAULT",
            "catalog": "",
        }

    def _json(self, items: Iterable[bytes], head: bytes, tail: bytes) -> Pieces:
        def pieces() -> Iterator[bytes]:
            yield head
            yield from items
            yield tail

        return Pieces(self._cooperator, b"application/json", pieces())


def _server() -> dict[str, str]:
    """The only server."""
    return {
        "type": "Server",
        "id": "localhost",
        "daemon_type": "authoritative",
        "version": API_VERSION,
        "url": _HERE,
        "config_url": f"{_HERE}/config{{/config_setting}}",
        "zones_url": f"{_HERE}/zones{{/zone}}",
    }


def _listed(items: Iterable[bytes]) -> Iterator[bytes]:
    """With commas between them."""
    comma = b""
    for item in items:
        yield comma + item
        comma = b","


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"={octet:02X}" for octet in match[0].encode())


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))
