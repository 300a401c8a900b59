"""Why a client gets its answer, over HTTP: now, or at a time of the past."""

import dns.rdatatype
from twisted.internet.defer import Deferred
from twisted.web.server import Request

from dinamed.journal.explained import explain_then
from dinamed.journal.files import JournalFiles
from dinamed.journal.past import NotKnownError, past_at
from dinamed.plans.explain import Asked, Explanation, asked_of, decoded, explain
from dinamed.web.messages import ExplainReply
from dinamed.web.parts import WebParts
from dinamed.web.resources import Endpoint, HttpError, argument, time_argument
from dinamed.web.threads import WorkThreads
from dinamed.wire.names import to_text


class ExplainPage:
    """The address of `explain`."""

    def __init__(self, parts: WebParts, threads: WorkThreads) -> None:
        self._parts = parts
        self._threads = threads

    def resource(self) -> Endpoint:
        """What answers there."""
        return Endpoint({b"GET": self.explain})

    def explain(self, request: Request) -> "ExplainReply | Deferred[ExplainReply]":
        """Why a client gets the answer that it gets, or got at a time."""
        try:
            asked = asked_of(
                argument(request, b"name"),
                argument(request, b"type", "A"),
                argument(request, b"client", request.getClientAddress().host),
            )
        except ValueError as error:
            raise HttpError(400, str(error)) from None
        at = time_argument(request, b"at")
        if at is None:
            return _reply(asked, explain(self._parts.engine, *asked))
        journal = self._parts.journal
        if journal is None:
            raise HttpError(404, "there is no journal: [server] state is not set")
        if at > self._parts.clock():
            raise HttpError(400, "at: is in the future")
        return self._threads.run(lambda: self._then(journal, asked, at))

    def _then(self, journal: JournalFiles, asked: Asked, at: float) -> ExplainReply:
        """In a thread: all that is used does not change any more."""
        pools = tuple(view.settings for view in self._parts.pools.views.values())
        try:
            past = past_at(journal, at)
        except (NotKnownError, OSError) as error:
            raise HttpError(404, str(error)) from None
        snapshot = self._parts.engine.snapshot
        return _reply(asked, explain_then(snapshot, pools, past, *asked))


def _reply(asked: Asked, explanation: Explanation) -> ExplainReply:
    reply = decoded(explanation.reply)
    answer, authority, additional = reply.sections
    return ExplainReply(
        name=to_text(asked.name),
        type=dns.rdatatype.to_text(asked.rrtype),
        client=str(asked.client),
        steps=explanation.steps,
        rcode=reply.rcode,
        authoritative=reply.authoritative,
        scope=reply.scope,
        answer=answer,
        authority=authority,
        additional=additional,
    )
