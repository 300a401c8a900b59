"""What has happened, over HTTP: as a list, or as a stream of server-sent events."""

from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

from dinamed.journal.events import EventLog, Happening
from dinamed.journal.files import JournalFiles
from dinamed.journal.past import events_between
from dinamed.web.resources import (
    LATEST,
    Endpoint,
    HttpError,
    Sends,
    argument,
    time_argument,
)
from dinamed.web.threads import WorkThreads
from dinamed.web.watchers import MOST_WATCHERS, EventStream

_LONGEST_NUMBER = 18


class EventsPage:
    """The address of the events, for a bounded number of streams."""

    def __init__(
        self, events: EventLog, journal: JournalFiles | None, threads: WorkThreads
    ) -> None:
        self._events = events
        self._journal = journal
        self._threads = threads
        self._streams: dict[Follower, None] = {}

    def resource(self) -> Endpoint:
        """What answers there."""
        return Endpoint({b"GET": self._get})

    def end(self) -> None:
        """End all streams."""
        for stream in list(self._streams):
            stream.end()

    def _get(
        self, request: Request
    ) -> "tuple[Happening, ...] | Deferred[tuple[Happening, ...]] | Sends":
        after = time_argument(request, b"after")
        before = time_argument(request, b"before")
        if after is not None or before is not None:
            return self._between(after or 0.0, LATEST if before is None else before)
        since = argument(request, b"since", "0")
        if "text/event-stream" not in (request.getHeader("accept") or ""):
            return self._events.since(_number(since))
        # A browser that comes again tells the last one that it has.
        number = _number(request.getHeader("last-event-id") or since)
        if len(self._streams) >= MOST_WATCHERS:
            raise HttpError(503, f"{MOST_WATCHERS} streams are read already")
        return EventStream(lambda given: self._begin(given, number))

    def _between(
        self, after: float, before: float
    ) -> "tuple[Happening, ...] | Deferred[tuple[Happening, ...]]":
        """The first events of a span of time: by the journal, or those in memory."""
        journal = self._journal
        if journal is not None:
            return self._threads.run(lambda: _read(journal, after, before))
        events = self._events.since(0)
        return tuple(event for event in events if after <= event.at < before)

    def _begin(self, request: Request, number: int) -> None:
        stream = Follower(request, self._events, number, self._forget)
        self._streams[stream] = None
        stream.go_on()

    def _forget(self, stream: "Follower") -> None:
        self._streams.pop(stream, None)


@implementer(IPushProducer)
class Follower:
    """One stream: what its reader is not ready for stays in the log meanwhile."""

    def __init__(
        self, request: Request, events: EventLog, number: int, gone: Any
    ) -> None:
        self._request = request
        self._events = events
        self._number = min(number, events.last)
        self._gone = gone
        self._paused = False
        self._unsubscribe = events.noted.subscribe(lambda *_: self.go_on())
        request.registerProducer(self, True)
        request.notifyFinish().addBoth(lambda _: self.stopProducing())
        request.write(b": events\n\n")

    def go_on(self) -> None:
        """Send what is new."""
        while not self._paused:
            events = self._events.since(self._number)[:100]
            if not events:
                return
            self._number = events[-1].id
            self._request.write(b"".join(map(_as_sent, events)))

    def end(self) -> None:
        """Close; the reader will come again."""
        self.stopProducing()
        self._request.unregisterProducer()
        self._request.finish()

    def pauseProducing(self) -> None:
        """It is read too slowly."""
        self._paused = True

    def resumeProducing(self) -> None:
        """What there was is read."""
        self._paused = False
        self.go_on()

    def stopProducing(self) -> None:
        """Nobody reads any more."""
        self._paused = True
        self._unsubscribe()
        self._gone(self)


def _as_sent(event: Happening) -> bytes:
    data = msgspec.json.encode(event)
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.kind.encode(), data)


def _read(journal: JournalFiles, after: float, before: float) -> tuple[Happening, ...]:
    try:
        return events_between(journal, after, before)
    except OSError as error:
        raise HttpError(503, f"the journal can't be read: {error.strerror}") from None


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_NUMBER:
        raise HttpError(400, "since: must be the number of an event")
    return int(text)
