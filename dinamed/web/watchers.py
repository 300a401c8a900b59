"""Server-sent events: the dashboard's figures, for a bounded number of watchers."""

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

from dinamed.server.periodic import Periodic
from dinamed.web.live import STEP, Live
from dinamed.web.resources import Endpoint, HttpError

MOST_WATCHERS = 32
PATIENCE = 15.0
"""Seconds for which a watcher may read nothing before it is cut off."""
RETRY = b"retry: 3000\n\n"


@implementer(IPushProducer)
class Watcher:
    """One open page of the dashboard.

    What it does not read in time it misses: each tick tells everything anew, so
    nothing is kept for it.
    """

    def __init__(
        self, request: Request, now: float, gone: Callable[["Watcher"], None]
    ) -> None:
        self._request = request
        self._gone = gone
        self.waiting_since: float | None = None
        self._now = now
        request.registerProducer(self, True)
        request.notifyFinish().addBoth(lambda _: gone(self))

    def tell(self, event: bytes, now: float) -> None:
        """Send an event, if the last ones were read."""
        self._now = now
        if self.waiting_since is None:
            self._request.write(event)
        elif now - self.waiting_since > PATIENCE:
            self.cut_off()

    def cut_off(self) -> None:
        """Close without waiting for what was not read."""
        self._gone(self)
        transport: Any = self._request.transport
        if transport is not None:
            transport.abortConnection()

    def end(self) -> None:
        """Close; the page will come again."""
        self._request.unregisterProducer()
        self._request.finish()

    def pauseProducing(self) -> None:
        """The page reads too slowly."""
        self.waiting_since = self._now

    def resumeProducing(self) -> None:
        """The page has read what there was."""
        self.waiting_since = None

    def stopProducing(self) -> None:
        """The page is gone."""
        self._gone(self)


class LiveService(Periodic):
    """Collects figures at every step, and sends them to all open pages."""

    def __init__(self, reactor: Any, live: Live) -> None:
        super().__init__(reactor, STEP, self.tell_all, "telling pages the figures")
        self._reactor = reactor
        self._live = live
        self._watchers: dict[Watcher, None] = {}
        self.at_end: list[Callable[[], None]] = []
        """What else is called when streams are to end."""

    @property
    def watchers(self) -> int:
        """How many pages watch now."""
        return len(self._watchers)

    def tell_all(self) -> None:
        """Collect figures, and send them if anybody watches."""
        self._live.step()
        if self._watchers:
            now = self._reactor.seconds()
            tick = self._live.tick()
            for watcher in list(self._watchers):
                watcher.tell(tick, now)

    def resource(self) -> Endpoint:
        """The address where pages watch."""
        return Endpoint({b"GET": self.watch})

    def watch(self, request: Request) -> "EventStream":
        """Begin to tell a page.  Raises `HttpError` 503 if too many watch already."""
        if len(self._watchers) >= MOST_WATCHERS:
            raise HttpError(503, f"{MOST_WATCHERS} pages watch already")
        return EventStream(self._begin)

    def _begin(self, request: Request) -> None:
        now = self._reactor.seconds()
        watcher = Watcher(request, now, self._forget)
        self._watchers[watcher] = None
        watcher.tell(RETRY + self._live.history() + self._live.tick(), now)

    def _forget(self, watcher: Watcher) -> None:
        self._watchers.pop(watcher, None)

    def stopService(self) -> Any:
        """End all streams."""
        stopped = super().stopService()
        for watcher in list(self._watchers):
            watcher.end()
        for end in self.at_end:
            end()
        return stopped


class EventStream:
    """A reply that stays open, as a stream of events."""

    def __init__(self, begin: Callable[[Request], None]) -> None:
        self._begin = begin

    def send(self, request: Request) -> None:
        """Send the headers, and begin."""
        request.setHeader(b"content-type", b"text/event-stream")
        request.setHeader(b"cache-control", b"no-store")
        request.setHeader(b"x-accel-buffering", b"no")
        if request.method == b"HEAD":
            request.finish()
            return
        self._begin(request)
