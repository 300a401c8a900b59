"""What all pages of the API have in common: JSON, methods, errors, limits."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from dinamed.config.settings import Right
from dinamed.web.body_errors import body_error
from dinamed.web.guard import Guard
from dinamed.web.messages import ErrorMessage

LATEST = 1e11
"""Unix times from here on are none."""
MAX_BODY = 1 << 20
"""Octets of a request's body."""

SLICE = 1 << 16
"""Octets of a reply up to which it is sent as a whole."""

_JSON_TYPES = frozenset(
    {
        "application/json",
        "",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
    }
)
"""Those after the first are what tools send that were not told a type."""

Handler = Callable[[Request], Any]


@runtime_checkable
class Sends(Protocol):
    """A reply that is not JSON, and sends itself."""

    def send(self, request: Request) -> None:
        """Send headers and body, now or little by little; HEAD gets no body."""


class HttpError(Exception):
    """A reply other than success."""

    def __init__(self, status: int, error: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(error)
        self.status = status
        self.message = ErrorMessage(error, problems)


@implementer(IPushProducer)
class Sliced:
    """Sends a large body as fast as the client reads it."""

    def __init__(self, request: Request, body: bytes) -> None:
        self._request = request
        self._body = memoryview(body)
        self._paused = self._over = False
        request.registerProducer(self, True)
        self._send()

    def _send(self) -> None:
        while self._body and not self._paused:
            piece, self._body = self._body[:SLICE], self._body[SLICE:]
            self._request.write(bytes(piece))
        if not self._body and not self._over:
            self._over = True
            self._request.unregisterProducer()
            self._request.finish()

    def pauseProducing(self) -> None:
        """The client reads too slowly."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The client has read what there was."""
        self._paused = False
        if not self._over:
            self._send()

    def stopProducing(self) -> None:
        """The client is gone."""
        self._over = self._paused = True
        self._body = self._body[:0]


class Endpoint(Resource):
    """One address of the API: a handler a method, JSON in and out.

    Handlers get the request and return what is to be sent as JSON, or what sends
    itself, or a Deferred of that, or raise `HttpError`.  Those in `changes` must pass
    the guard first: `need` is the right that they want.
    """

    isLeaf = True
    log = Logger()

    def __init__(
        self,
        reads: Mapping[bytes, Handler],
        changes: Mapping[bytes, Handler] | None = None,
        guard: Guard | None = None,
        need: Right = "all",
    ) -> None:
        super().__init__()
        self._need: Right = need
        self._reads = reads
        self._changes = changes or {}
        self._guard = guard

    def render(self, request: Request) -> Any:
        """Answer one request; never raises."""
        try:
            result = self._handler(request)(request)
        except Exception:
            self._fail(Failure(), request)
            return NOT_DONE_YET
        if not isinstance(result, Deferred):
            self._deliver(result, request)
            return NOT_DONE_YET
        gone: Deferred[None] = request.notifyFinish()
        gone.addErrback(lambda _: result.cancel())
        result.addCallback(self._deliver, request)
        result.addErrback(self._fail, request)
        return NOT_DONE_YET

    def _deliver(self, value: object, request: Request) -> None:
        if isinstance(value, Sends):
            value.send(request)
        else:
            self._send(200, value, request)

    def known_methods(self) -> list[bytes]:
        """The methods that this address has."""
        head = [b"HEAD"] if b"GET" in self._reads else []
        return [*self._reads, *head, *self._changes]

    def _handler(self, request: Request) -> Handler:
        method = b"GET" if request.method == b"HEAD" else request.method
        if request.postpath and request.postpath != [b""]:
            raise HttpError(404, "no such address")
        if method in self._changes:
            assert self._guard is not None
            objection = self._guard.objection(request, self._need)
            if objection is not None:
                raise HttpError(*objection)
            return self._changes[method]
        if method not in self._reads:
            known = b", ".join(self.known_methods())
            request.setHeader(b"allow", known)
            raise HttpError(405, f"use {known.decode()}")
        return self._reads[method]

    def _fail(self, failure: Failure, request: Request) -> None:
        error = failure.value
        if request.finished or getattr(request, "_disconnected", False):
            return
        if isinstance(error, HttpError):
            if error.status == 401:
                request.setHeader(b"www-authenticate", b"Bearer")
            self._send(error.status, error.message, request)
            return
        self.log.failure("{uri} failed", failure, uri=request.uri)
        self._send(500, ErrorMessage("an error of ours; the log has more"), request)

    def _send(self, status: int, body: object, request: Request) -> None:
        request.setResponseCode(status)
        request.setHeader(b"cache-control", b"no-store")
        request.setHeader(b"x-content-type-options", b"nosniff")
        if isinstance(body, bytes):
            raw = body
        else:
            request.setHeader(b"content-type", b"application/json")
            raw = msgspec.json.encode(body) + b"\n"
        request.setHeader(b"content-length", str(len(raw)).encode())
        if request.method == b"HEAD" or len(raw) <= SLICE:
            request.write(raw)
            request.finish()
            return
        Sliced(request, raw)


class NoSuchAddress(Endpoint):
    """Whatever is not one of our addresses."""

    def __init__(self) -> None:
        super().__init__({})

    def render(self, request: Request) -> Any:
        """Reply so, in JSON."""
        self._fail(Failure(HttpError(404, "no such address")), request)
        return NOT_DONE_YET


class Subtree(Resource):
    """An address with all that is below it; subclasses tell one from another."""

    isLeaf = True

    def endpoint(self, path: list[str]) -> Resource:
        """What stands at a path below this one."""
        raise NotImplementedError

    def render(self, request: Request) -> Any:
        """Answer one request."""
        try:
            path = [str(part, "utf-8") for part in request.postpath or () if part]
        except UnicodeDecodeError:
            return NoSuchAddress().render(request)
        request.postpath = []
        return self.endpoint(path).render(request)


def body_of(request: Request, wanted: Any) -> Any:
    """The body of a request, which is JSON, as a value of the type `wanted`.

    Raises `HttpError` 400, 413 or 415.
    """
    kind = (request.getHeader("content-type") or "").partition(";")[0].strip().lower()
    if kind not in _JSON_TYPES and not kind.endswith("+json"):
        raise HttpError(415, f"the body must be application/json, not {kind}")
    try:
        return msgspec.json.decode(raw_body_of(request), type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HttpError(400, body_error(str(error), wanted)) from None


def raw_body_of(request: Request) -> bytes:
    """The octets of a body.  Raises `HttpError` 413."""
    content = request.content
    assert content is not None
    raw: bytes = content.read(MAX_BODY + 1)
    if len(raw) > MAX_BODY:
        raise HttpError(413, f"the body is larger than {MAX_BODY} octets")
    return raw


def argument(request: Request, name: bytes, default: str | None = None) -> str:
    """One argument of the query string.  Raises `HttpError` 400 if it is missing."""
    values = request.args.get(name, ())
    if not values:
        if default is None:
            raise HttpError(400, f"needs the argument {name.decode()}")
        return default
    try:
        return str(values[0], "utf-8")
    except UnicodeDecodeError:
        raise HttpError(400, f"argument {name.decode()} is not UTF-8") from None


def time_argument(request: Request, name: bytes) -> float | None:
    """A Unix time of the query string, if there is one.  Raises `HttpError` 400."""
    text = argument(request, name, "")
    if not text:
        return None
    try:
        at = float(text)
    except ValueError:
        at = -1.0
    if not 0 <= at < LATEST:
        raise HttpError(400, f"{name.decode()}: must be a Unix time, in seconds")
    return at
