"""Members of pools over HTTP: read them, and set them where the config allows it."""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn

from twisted.internet.defer import Deferred, DeferredLock
from twisted.python.failure import Failure
from twisted.web.server import Request

from dinamed.config.discovery import ApiDiscovery
from dinamed.discovery.service import DiscoveryService
from dinamed.discovery.targets import BadMembersError, Members
from dinamed.discovery.texts import StoredMemberTexts
from dinamed.pools.manager import UnknownPoolError
from dinamed.web.guard import Guard
from dinamed.web.parts import WebParts
from dinamed.web.resources import Endpoint, Handler, HttpError, Sends, body_of

Threads = Callable[..., "Deferred[Any]"]
"""Calls a function in a thread."""

MOST_WAITING = 100
"""Changes of one list that wait for their turn."""


class Listed(Sends):
    """A list of members, with the tag that stands for it; or nothing, with a status."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self._body = body + b"\n"
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

    def __init__(self, parts: WebParts, guard: Guard, threads: Threads) -> None:
        self._parts = parts
        self._guard = guard
        self._texts = StoredMemberTexts()
        self._threads = threads
        self._turns: dict[str, DeferredLock] = {}

    def _listed(self, pool: str, members: Members, status: int = 200) -> Listed:
        return Listed(self._texts.array(pool, members), status)

    def of_pool(self, pool: str) -> Endpoint:
        """The list of a pool."""
        return Endpoint(
            {b"GET": lambda request: self._listed(pool, self._members(pool))},
            {
                b"PUT": lambda request: self._in_turn(pool, self._put, request),
                b"POST": lambda request: self._in_turn(pool, self._add, request),
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
            {
                b"DELETE": lambda request: self._in_turn(
                    pool, partial(self._remove, member), request
                )
            },
            self._guard,
            "members",
        )
        return ByMethod(remove, {}, orders, self._guard, "orders")

    def of_source(self, pool: str) -> Endpoint:
        """What a pool's source says: to be asked, and believed, now."""
        return Endpoint(
            {}, {b"POST": lambda request: self._believe(pool)}, self._guard, "members"
        )

    def _in_turn(
        self,
        pool: str,
        change: Callable[[str, Request], "Deferred[Listed]"],
        request: Request,
    ) -> "Deferred[Listed]":
        """Make a change when all that were asked for before are made.

        So `If-Match` is about the list that the change is made to.  Raises `HttpError`.
        """
        self._known(pool)
        turns = self._turns.setdefault(pool, DeferredLock())
        if len(turns.waiting) >= MOST_WAITING:
            raise HttpError(503, "others are changing the list: ask again")
        return turns.run(change, pool, request)

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
        if "*" not in tags and self._listed(pool, now).tag not in tags:
            raise HttpError(412, "the list has changed: read it again")
        return discovery, now

    def _put(self, pool: str, request: Request) -> Deferred[Listed]:
        discovery, _ = self._source(pool, request)
        tables = body_of(request, list[dict[str, Any]])
        reading = self._threads(discovery.read, pool, tables)
        return reading.addCallbacks(partial(self._keep, discovery, pool), _not_read)

    def _add(self, pool: str, request: Request) -> Deferred[Listed]:
        discovery, now = self._source(pool, request)
        given = body_of(request, dict[str, Any] | list[dict[str, Any]])
        tables = given if isinstance(given, list) else [given]
        there = {member.name.lower() for member in now}
        for table in tables:
            if str(table.get("name", "")).lower() in there:
                raise HttpError(409, f'there is a member "{table["name"]}" already')
        reading = self._threads(discovery.read, pool, tables, True)
        reading.addErrback(_not_read)
        return reading.addCallback(
            lambda new: self._keep(discovery, pool, now + new, 201)
        )

    def _remove(self, member: str, pool: str, request: Request) -> Deferred[Listed]:
        discovery, now = self._source(pool, request)
        left = tuple(one for one in now if one.name != member)
        if len(left) == len(now):
            raise HttpError(404, f"pool {pool!r} has no member {member!r} of the API")
        return self._keep(discovery, pool, left, 204)

    def _keep(
        self,
        discovery: DiscoveryService,
        pool: str,
        members: Members,
        status: int = 200,
    ) -> Deferred[Listed]:
        try:
            kept = discovery.give(pool, members)
        except BadMembersError as error:
            raise HttpError(400, str(error)) from None
        return kept.addCallbacks(
            lambda _: self._listed(pool, members, status), _not_kept
        )

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


def _not_read(failure: Failure) -> NoReturn:
    failure.trap(BadMembersError)
    raise HttpError(400, failure.getErrorMessage())


def _not_kept(failure: Failure) -> Listed:
    if failure.check(OSError):
        raise HttpError(
            503, f"the list could not be saved: {failure.getErrorMessage()}"
        )
    failure.raiseException()
    raise AssertionError
