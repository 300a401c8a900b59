"""Reloads and replacements that are asked for over HTTP."""

from twisted.internet.defer import Deferred
from twisted.web.server import Request

from dinamed.server.services import ReloadOutcome
from dinamed.takeover.sender import ReplaceOutcome
from dinamed.web.guard import Guard
from dinamed.web.messages import ReloadReply, ReplaceReply
from dinamed.web.parts import WebParts
from dinamed.web.resources import HttpError


class Renewals:
    """What makes the server read its files anew, or run as a new process."""

    def __init__(self, parts: WebParts, guard: Guard) -> None:
        self._parts = parts
        self._guard = guard

    def reload(self, request: Request) -> "Deferred[ReloadReply]":
        """Read config and zones again; fails with 422 if they are not good."""
        self._parts.happenings.reloads.by = self._guard.who(request)
        return self._parts.reloading.reload().addCallback(self._reloaded)

    def _reloaded(self, outcome: ReloadOutcome) -> ReloadReply:
        if not outcome.applied:
            raise HttpError(422, "nothing has changed", outcome.problems)
        return ReloadReply(self._parts.summary())

    def replace(self, request: Request) -> "Deferred[ReplaceReply]":
        """Have a new process take over; fails with 422 if it can't."""
        replaced = self._parts.replacing.replace()
        return replaced.addCallback(self._replaced, self._guard.who(request))

    def _replaced(self, outcome: ReplaceOutcome, by: str) -> ReplaceReply:
        text = f"process {outcome.pid} takes over"
        if not outcome.replaced:
            text = "the new process is not good; this one goes on"
        self._parts.happenings.events.note("replace", "", text, by, outcome.why)
        if not outcome.replaced:
            problems = tuple(outcome.why.splitlines())
            raise HttpError(422, f"process {outcome.pid} goes on", problems)
        return ReplaceReply(outcome.pid, outcome.summary)
