"""Members of pools over HTTP: read them, and set them where the config allows it."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.server import Request

from dinamed.config.discovery import ApiDiscovery
from dinamed.config.settings import MemberSettings
from dinamed.discovery.service import DiscoveryService
from dinamed.discovery.targets import BadMembersError, Members
from dinamed.pools.manager import UnknownPoolError
from dinamed.web.guard import Guard
from dinamed.web.parts import WebParts
from dinamed.web.resources import Endpoint, Handler, HttpError, Sends, body_of


class Listed(Sends):
    """A list of members, with the tag that stands for it; or nothing, with a status."""

    def __init__(self, members: Members, status: int = 200) -> None:
        self._body = msgspec.json.encode([told(member) for member in members]) + b"\n"
        self._status = status
        self.tag = f'"{hashlib.sha256(self._body).hexdigest()[:24]}"'

    def send(self, request: Request) -> None:
        """Send headers and body."""
        request.setResponseCode(self._status)
        request.setHeader("etag", self.tag)
        request.setHeader(b"cache-control", b"no-store")
        request.setHeader(b"x-content-type-options", b"nosniff")
        if self._status != 204:
            request.setHeader(b"content-type", b"application/json")
            request.setHeader(b"content-length", str(len(self._body)).encode())
            if request.method != b"HEAD":
                request.write(self._body)
        request.finish()


class MembersApi:
    """Makes what stands below `/pools/POOL/members`."""

    def __init__(self, parts: WebParts, guard: Guard) -> None:
        self._parts = parts
        self._guard = guard

    def of_pool(self, pool: str) -> Endpoint:
        """The list of a pool."""
        return Endpoint(
            {b"GET": lambda request: Listed(self._members(pool))},
            {
                b"PUT": lambda request: self._put(pool, request),
                b"POST": lambda request: self._add(pool, request),
            },
            self._guard,
            "members",
        )

    def of_member(
        self, pool: str, member: str, orders: Mapping[bytes, Handler]
    ) -> "ByMethod":
        """One member: orders, and the way out of the list."""
        remove = Endpoint(
            {},
            {b"DELETE": lambda request: self._remove(pool, member, request)},
            self._guard,
            "members",
        )
        return ByMethod(remove, {}, orders, self._guard, "orders")

    def of_source(self, pool: str) -> Endpoint:
        """What a pool's source says: to be asked, and believed, now."""
        return Endpoint(
            {}, {b"POST": lambda request: self._believe(pool)}, self._guard, "members"
        )

    def _members(self, pool: str) -> Members:
        """Those that the list is about: set over HTTP, or all that there are."""
        self._known(pool)
        discovery = self._parts.discovery
        if discovery is not None and isinstance(discovery.rules(pool), ApiDiscovery):
            return discovery.members(pool)
        return self._parts.pools.view(pool).settings.members

    def _known(self, pool: str) -> None:
        try:
            self._parts.pools.view(pool)
        except UnknownPoolError as error:
            raise HttpError(404, str(error)) from None

    def _source(self, pool: str, request: Request) -> tuple[DiscoveryService, Members]:
        """Where the members of a pool are set, and those of now.

        Raises `HttpError`: 404, 409 where they are not set here, 412 if the request is
        about another list.
        """
        self._known(pool)
        discovery = self._parts.discovery
        rules = None if discovery is None else discovery.rules(pool)
        if discovery is None or not isinstance(rules, ApiDiscovery):
            why = "its config" if rules is None else f"its source ({rules.kind})"
            raise HttpError(409, f"the members of {pool} come from {why}")
        now = discovery.members(pool)
        wanted = request.getHeader("if-match")
        tags = {tag.strip() for tag in (wanted or "*").split(",")}
        if not tags & {"*", Listed(now).tag}:
            raise HttpError(412, "the list has changed: read it again")
        return discovery, now

    def _put(self, pool: str, request: Request) -> Deferred[Listed]:
        discovery, _ = self._source(pool, request)
        tables = body_of(request, list[dict[str, Any]])
        return self._keep(discovery, pool, _read(discovery, pool, tables))

    def _add(self, pool: str, request: Request) -> Deferred[Listed]:
        discovery, now = self._source(pool, request)
        given = body_of(request, dict[str, Any] | list[dict[str, Any]])
        tables = given if isinstance(given, list) else [given]
        there = {member.name.lower() for member in now}
        for table in tables:
            if str(table.get("name", "")).lower() in there:
                raise HttpError(409, f'there is a member "{table["name"]}" already')
        members = _read(discovery, pool, [*map(told, now), *tables])
        return self._keep(discovery, pool, members, 201)

    def _remove(self, pool: str, member: str, request: Request) -> Deferred[Listed]:
        discovery, now = self._source(pool, request)
        left = tuple(one for one in now if one.name != member)
        if len(left) == len(now):
            raise HttpError(404, f"pool {pool!r} has no member {member!r} of the API")
        return self._keep(discovery, pool, left, 204)

    @staticmethod
    def _keep(
        discovery: DiscoveryService, pool: str, members: Members, status: int = 200
    ) -> Deferred[Listed]:
        try:
            kept = discovery.put(pool, members)
        except BadMembersError as error:
            raise HttpError(400, str(error)) from None
        return kept.addCallbacks(lambda _: Listed(members, status), _not_kept)

    def _believe(self, pool: str) -> dict[str, str]:
        self._known(pool)
        discovery = self._parts.discovery
        if discovery is None or discovery.rules(pool) is None:
            raise HttpError(409, f"the members of {pool} come from its config")
        discovery.believe(pool)
        return {"pool": pool, "asked": "its next list is believed"}


class ByMethod(Endpoint):
    """An address whose DELETE needs another right than the rest."""

    def __init__(
        self,
        removing: Endpoint,
        reads: Mapping[bytes, Handler],
        changes: Mapping[bytes, Handler],
        guard: Guard,
        need: Any,
    ) -> None:
        super().__init__(reads, changes, guard, need)
        self._removing = removing

    def known_methods(self) -> list[bytes]:
        """Those of both."""
        return [*super().known_methods(), *self._removing.known_methods()]

    def render(self, request: Request) -> Any:
        """Answer one request; never raises."""
        if request.method == b"DELETE":
            return self._removing.render(request)
        return super().render(request)


def told(member: MemberSettings) -> dict[str, Any]:
    """A member as its table in the config: what is at its default is left out."""
    default = MemberSettings(name=member.name)
    # By way of JSON, for there are lists where the settings have tuples.
    table = msgspec.json.decode(msgspec.json.encode(member))
    usual = msgspec.json.decode(msgspec.json.encode(default))
    return {
        key: value
        for key, value in table.items()
        if key in ("name", "addresses", "weight") or value != usual[key]
    }


def _read(discovery: DiscoveryService, pool: str, tables: list[Any]) -> Members:
    try:
        return discovery.read(pool, tables)
    except BadMembersError as error:
        raise HttpError(400, str(error)) from None


def _not_kept(failure: Failure) -> Listed:
    if failure.check(OSError):
        raise HttpError(
            503, f"the list could not be saved: {failure.getErrorMessage()}"
        )
    failure.raiseException()
    raise AssertionError
