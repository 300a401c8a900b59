"""Reading the body of an HTTP response, within a limit."""

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse


class BodyError(Exception):
    """A body can't be had; the message says why."""


class _WholeBody(Protocol):
    """Keeps what comes; `whole` fires with it, or fails with `BodyError`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._data = bytearray()
        self.whole: Deferred[bytes] = Deferred(lambda _: self._abort())

    def dataReceived(self, data: bytes) -> None:
        self._data += data
        if len(self._data) > self._most:
            self._abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.whole.called:
            return
        if len(self._data) > self._most:
            self.whole.errback(BodyError("the answer is too large"))
        elif reason.check(ResponseDone, PotentialDataLoss):
            self.whole.callback(bytes(self._data))
        else:
            self.whole.errback(BodyError("the answer broke off"))

    def _abort(self) -> None:
        if self.transport is not None:
            # What twisted.web gives here knows nothing of abortConnection.
            self.transport.stopProducing()  # type: ignore[attr-defined]


def whole_body(response: IResponse, most: int) -> "Deferred[bytes]":
    """The body of a response, `most` octets at most; fails with `BodyError`."""
    reading = _WholeBody(most)
    response.deliverBody(reading)
    return reading.whole
