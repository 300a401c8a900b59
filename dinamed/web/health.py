"""How the server is, for load balancers and supervisors."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.web.server import Request

from dinamed.server.liveness import Liveness
from dinamed.web.resources import HttpError


def healthy(liveness: Liveness, request: Request) -> Deferred[bytes]:
    """`ok` if all ways of answering answer; else 503 with the names of the others."""

    def told(dead: list[str]) -> bytes:
        if dead:
            raise HttpError(503, f"no answer from: {', '.join(dead)}")
        return _text(request, b"ok\n")

    return liveness.dead().addCallback(told)


def ready(is_ready: Callable[[], bool], request: Request) -> bytes:
    """`ready` once queries are answered.  Raises `HttpError` 503 before."""
    if not is_ready():
        raise HttpError(503, "the first round of checks is not over")
    return _text(request, b"ready\n")


def _text(request: Request, text: bytes) -> bytes:
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    return text
