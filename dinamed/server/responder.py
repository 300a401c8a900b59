"""Responders turn messages into replies; a responder can wrap another one."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from twisted.logger import Logger
from twisted.names import dns

from dinamed.plans.context import unpacked
from dinamed.plans.engine import Learner
from dinamed.wire.later import Later
from dinamed.wire.names import to_text
from dinamed.wire.query import Rejected, read_query


class Responder(Protocol):
    """Anything that turns one message into one reply."""

    def respond(
        self,
        data: bytes,
        source: bytes,
        stream: bool = False,
        learner: Learner | None = None,
    ) -> bytes | None:
        """The reply to a message from a packed address, or None; must not raise.

        IPv4 is four octets, also where it came as IPv6.  A `learner` is told the plan
        of the message, if it is a query for data.
        """

    def test(self) -> None:
        """Answer a test query, uncounted; raises if that fails."""


class Logged:
    """A responder that logs every message."""

    log = Logger()

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self.test = responder.test

    def respond(
        self,
        data: bytes,
        source: bytes,
        stream: bool = False,
        learner: Learner | None = None,
    ) -> bytes | None:
        """The other's reply."""
        reply = self._responder.respond(data, source, stream, learner)
        if isinstance(reply, Later):
            reply.then(partial(self._log, data, unpacked(source)))
        else:
            self._log(data, unpacked(source), reply)
        return reply

    def _log(self, data: bytes, host: str, reply: bytes | None) -> None:
        query = read_query(data)
        if isinstance(query, Rejected):
            self.log.debug(
                "{host}: malformed, {size} octets", host=host, size=len(data)
            )
            return
        self.log.debug(
            "{host}: {name} {class_} {type}: rcode {rcode}, {size} octets",
            host=host,
            name=to_text(query.question.name),
            type=dns.QUERY_TYPES.get(query.question.type, query.question.type),
            class_=dns.QUERY_CLASSES.get(query.question.class_, query.question.class_),
            rcode=reply[3] & 0xF if reply else None,
            size=0 if reply is None else len(reply),
        )


Taken = Callable[[bytes, bytes, bool, bytes], object]
"""Takes query, packed source, whether over a stream, and reply."""


class Sampled:
    """A responder whose replies can be told to a query log, while there is one."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self.test = responder.test
        self._take: Taken | None = None

    def tell(self, take: Taken | None) -> None:
        """Set the listener that is told each reply; None: nobody."""
        self._take = take

    def respond(
        self,
        data: bytes,
        source: bytes,
        stream: bool = False,
        learner: Learner | None = None,
    ) -> bytes | None:
        """The other's reply."""
        reply = self._responder.respond(data, source, stream, learner)
        if self._take is None or reply is None:
            return reply
        if isinstance(reply, Later):
            reply.then(partial(self._take, data, source, stream))
        else:
            self._take(data, source, stream, reply)
        return reply
