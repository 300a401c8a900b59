"""Requests to etcd v3 over its JSON gateway.

Every wait has a limit.  An endpoint that fails is left for the next one, once, however
many requests have failed there together.  All that is asked may be asked twice.
"""

import json
import random
from base64 import b64decode, b64encode
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.internet.error import TimeoutError
from twisted.python.failure import Failure
from twisted.web.client import FileBodyProducer
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IResponse

from dinamed.bodies import whole_body
from dinamed.fleet.store import StoreError

MOST_BODY = 256 << 20
"""Octets of an answer: all values of a large fleet come in one."""

MOST_TEXT = 1 << 20
"""Octets of a page."""

UNAVAILABLE = 14
UNAUTHENTICATED = 16
DENIED = 7
_LOGIN_AGAIN = ("invalid auth token", "revision of auth store is old")
_NO_LEADER = ("leader", "timed out", "unavailable")
_ELSEWHERE = frozenset({4, 8, UNAVAILABLE})


class EtcdError(StoreError):
    """etcd said no: `code` is that of gRPC."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"etcd: {text}")
        self.code = code
        self.text = text

    @property
    def wants_login(self) -> bool:
        """Whether the token is no longer good."""
        return self.code == UNAUTHENTICATED or any(
            words in self.text for words in _LOGIN_AGAIN
        )

    @property
    def wants_another(self) -> bool:
        """Whether another endpoint may know better."""
        return self.code in _ELSEWHERE or any(
            words in self.text for words in _NO_LEADER
        )


def encoded(text: bytes) -> str:
    """Octets as the gateway takes them."""
    return b64encode(text).decode()


def decoded(text: str) -> bytes:
    """Octets as the gateway gives them."""
    return b64decode(text)


def end_of(prefix: bytes) -> bytes:
    """The first key behind all that begin with the prefix."""
    return prefix[:-1] + bytes((prefix[-1] + 1,))


class EtcdClient:
    """One etcd, reached at several endpoints (URLs), each try within `timeout` s."""

    def __init__(
        self,
        reactor: Any,
        agent: IAgent,
        endpoints: Sequence[str],
        rng: random.Random,
        login: tuple[str, str] | None = None,
        timeout: float = 3.0,
    ) -> None:
        self.reactor = reactor
        self._agent = agent
        self._endpoints = [endpoint.rstrip("/") for endpoint in endpoints]
        rng.shuffle(self._endpoints)
        self._login = login
        self._token = ""
        self._closed = False
        self.timeout = timeout
        self.counters = {"failovers": 0, "logins": 0}

    @property
    def endpoint(self) -> str:
        """The endpoint in use."""
        return self._endpoints[0]

    def leave(self, tried: str) -> None:
        """Go to the next endpoint, unless somebody else has left that one already."""
        if tried == self._endpoints[0] and len(self._endpoints) > 1:
            self._endpoints.append(self._endpoints.pop(0))
            self.counters["failovers"] += 1

    def close(self) -> None:
        """Ask nothing any more."""
        self._closed = True

    def forget_token(self) -> None:
        """Log in again before the next request."""
        self._token = ""

    async def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What an endpoint answers; all are tried.

        @raise StoreError: none does, or etcd says no.
        """
        last: StoreError = StoreError("no endpoint")
        for _ in range(len(self._endpoints) + 1):
            if self._closed:
                break
            tried = self.endpoint
            try:
                await self.log_in()
                return await self._once(path, body)
            except EtcdError as error:
                last = error
                if error.wants_login:
                    self.forget_token()
                elif error.wants_another:
                    self.leave(tried)
                else:
                    raise
            except Exception as error:
                last = StoreError(f"{tried}: {said(error)}")
                self.leave(tried)
        raise last

    async def log_in(self) -> None:
        """Get a token, where one is needed and there is none."""
        if self._login is None or self._token:
            return
        user, password = self._login
        self.counters["logins"] += 1
        told = await self._once(
            "/v3/auth/authenticate", {"name": user, "password": password}
        )
        self._token = str(told.get("token", ""))

    async def text(self, path: str) -> bytes:
        """What the endpoint in use has there, at most `MOST_TEXT` octets of it.

        Nothing if that can't be had.
        """
        url = (self.endpoint + path).encode()

        async def whole() -> bytes:
            response = await self._agent.request(b"GET", url)
            if response.code != 200:
                return b""
            return await whole_body(response, MOST_TEXT)

        try:
            return await ensureDeferred(whole()).addTimeout(self.timeout, self.reactor)
        except Exception:
            return b""

    async def open(self, path: str, body: dict[str, Any]) -> IResponse:
        """The response of the endpoint in use, of which the body is yet to come."""
        asked = self._post(path, body).addTimeout(self.timeout, self.reactor)
        response: IResponse = await asked
        return response

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        headers = Headers({b"Content-Type": [b"application/json"]})
        if self._token:
            headers.addRawHeader(b"Authorization", self._token.encode())
        producer = FileBodyProducer(BytesIO(json.dumps(body).encode()))
        url = (self.endpoint + path).encode()
        return self._agent.request(b"POST", url, headers, producer)

    async def _once(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async def whole() -> tuple[int, bytes]:
            response = await self._post(path, body)
            return response.code, await whole_body(response, MOST_BODY)

        asked = ensureDeferred(whole()).addTimeout(self.timeout, self.reactor)
        code, raw = await asked
        return _read(code, raw)


def _read(code: int, raw: bytes) -> dict[str, Any]:
    """The answer in a body.  Raises `EtcdError`."""
    try:
        told = json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        raise EtcdError(UNAVAILABLE, f"no JSON in HTTP {code}") from None
    if not isinstance(told, dict):
        raise EtcdError(UNAVAILABLE, f"no answer in HTTP {code}")
    if code != 200 or "error" in told:
        raise error_of(told)
    return told


def error_of(told: dict[str, Any]) -> EtcdError:
    """The error in what is told, which depends on the version and the request."""
    bad = told.get("error", told)
    if isinstance(bad, dict):
        text = str(bad.get("message") or bad.get("error") or bad)
        code = bad.get("grpc_code", bad.get("code", told.get("code", 2)))
    else:
        text, code = str(bad), told.get("code", 2)
    return EtcdError(code if isinstance(code, int) else 2, text[:300])


def said(error: BaseException) -> str:
    """In words why a try has failed."""
    reasons: list[Failure] = getattr(error, "reasons", [])
    for reason in reasons:
        if reason.check(CancelledError):
            return "no answer in time"
        return said(reason.value or error)
    if isinstance(error, CancelledError | TimeoutError):
        return "no answer in time"
    text = str(error) or type(error).__name__
    return text.splitlines()[0][:200]
