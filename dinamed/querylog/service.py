"""The query log beside a running server, and the samples for clients' countries.

Both engines' answers are logged: those of the plane from the notes of its threads, by
the thread that writes.  A small share of them is noted for the countries in any case.
"""

from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from dinamed import __version__
from dinamed.config.query_log import QueryLog
from dinamed.querylog.dnstap import payload
from dinamed.querylog.exchange_reader import Exchange, ReadExchange
from dinamed.querylog.frames import data
from dinamed.querylog.lines import line
from dinamed.querylog.outlets import FrameFile, FrameSocket, LineFile
from dinamed.querylog.plane_log import PlaneLog
from dinamed.querylog.writer import Branch, LogCounts, Writer
from dinamed.server.authority import Authority
from dinamed.server.periodic import looping
from dinamed.server.stack import Stack

if TYPE_CHECKING:
    from dinamed.plane.service import DataPlane

INTERVAL = 0.1
"""Seconds between the times that the plane's notes are taken."""
PLACES_SHARE = 1 / 256
"""Of the plane's answers, that are noted for the countries of clients."""
FEW, MANY = 2, 8
"""Samples of a tick: with fewer the plane notes a larger share, with more a smaller."""
MOST_SAMPLES = 4096
"""Of each thread at a time."""


def branches_of(settings: QueryLog, identity: Callable[[], str]) -> list[Branch]:
    """The outlets that the config asks for."""

    def frame(seen: ReadExchange) -> bytes:
        return data(payload(seen, identity(), __version__))

    found = []
    if settings.file:
        found.append(Branch(settings.file, LineFile(settings.file), line))
    if settings.dnstap_file:
        path = settings.dnstap_file
        found.append(Branch(path, FrameFile(path), frame, lines=False))
    if settings.dnstap_socket:
        path = settings.dnstap_socket
        found.append(Branch(path, FrameSocket(path), frame, lines=False))
    return found


class QueryLogService(Service):
    """Hands answers to the writer, as `[query_log]` says; follows its changes."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        authority: Authority,
        stack: Stack,
        plane: "DataPlane | None",
        rng: Random,
    ) -> None:
        self._reactor = reactor
        self._authority = authority
        self._sampled = stack.sampled
        self._plane = plane
        self._locate = stack.timed.locate
        self._saw = stack.samples.saw
        self._lively = PLACES_SHARE
        self._random = rng.random
        self._settings = QueryLog()
        self._writer: Writer | None = None
        self._ending: Writer | None = None
        self._before = LogCounts()
        self._sampling = 0.0
        self._looping = looping(reactor, self._tick, "taking notes for the query log")

    @property
    def counts(self) -> LogCounts:
        """How many exchanges were written and dropped since the start."""
        found = LogCounts(self._before.written, self._before.dropped)
        for writer in (self._writer, self._ending):
            if writer is not None:
                found.written += writer.counts.written
                found.dropped += writer.counts.dropped
        return found

    def startService(self) -> None:
        """Begin to write, if there is to be a log."""
        super().startService()
        self._looping.start(INTERVAL)

    def stopService(self) -> Deferred[None] | None:
        """Write what waits."""
        super().stopService()
        self._looping.stop()
        self._take_samples()
        return self._end()

    def _tick(self) -> None:
        settings = self._authority.loaded.settings.query_log
        if settings != self._settings:
            self._settings = settings
            self._end()
        if self._ending is not None and self._ending.ended:
            self._before = self.counts
            self._ending = None
        # One at a time reads the notes of the plane and writes a file.
        starting = self._plane is not None and not self._plane.running
        if not (self._writer or self._ending or starting) and settings.wanted:
            self._begin()
        self._take_samples()

    def _begin(self) -> None:
        self._writer = Writer(
            branches_of(self._settings, lambda: self._engine.snapshot.identity),
            lambda: self._engine.snapshot,
            lambda text: self._reactor.callFromThread(self._tell, text),
            self._plane_log(),
        )
        self._writer.start()
        self._sampled.tell(self._replied)

    def _plane_log(self) -> PlaneLog | None:
        plane = self._plane
        if plane is None or not plane.running:
            return None
        plane.native.set_logging(self._settings.sample)
        return PlaneLog(plane.native, lambda: self._engine.snapshot)

    @property
    def _engine(self) -> Any:
        return self._authority.engine

    def _end(self) -> Deferred[None] | None:
        writer, self._writer = self._writer, None
        self._sampled.tell(None)
        if writer is None:
            return None
        self._ending = writer
        if self._plane is not None:
            self._plane.native.set_logging(0.0)
        pool = self._reactor.getThreadPool()
        return deferToThreadPool(self._reactor, pool, writer.stop)

    def _replied(self, query: bytes, source: bytes, stream: bool, reply: bytes) -> None:
        """Note an answer of the Python engine."""
        if self._writer is not None and self._random() < self._settings.sample:
            now = self._authority.seconds()
            self._writer.offer(Exchange(now, source, 0, stream, query, reply))

    def _take_samples(self) -> None:
        """Have the places of some clients looked up, for the counts of countries."""
        plane = self._plane
        if plane is None or not plane.running:
            return
        if self._sampling != self._lively:
            self._sampling = self._lively
            plane.native.set_sampling(self._sampling)
        samples, _ = plane.native.take_samples(MOST_SAMPLES)
        self._lively = next_share(self._lively, len(samples))
        for _, source, *_ in samples[-MANY:]:
            self._saw(source)
        for _, source, *_ in samples:
            if self._random() * self._sampling < PLACES_SHARE:
                # A database that turns out to be broken must not stop this.
                with suppress(Exception):
                    self._locate(source)

    def _tell(self, text: str) -> None:
        self.log.warn("query log: {text}", text=text)


def next_share(share: float, taken: int) -> float:
    """The share of answers to note next, after so many samples in a tick.

    A server that is seldom asked notes all, so that it is soon seen who asks.
    """
    if taken > MANY:
        return max(PLACES_SHARE, share * MANY / (2 * taken))
    return min(1.0, 2 * share) if taken < FEW else share
