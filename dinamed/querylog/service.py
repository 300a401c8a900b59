"""The query log beside a running server: samples both engines' answers.

Of what the plane answers a small share is noted in any case, for the countries that
clients are in; the log takes its own share of them.
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
from dinamed.querylog.writer import Branch, LogCounts, Writer
from dinamed.server.authority import Authority
from dinamed.server.periodic import looping
from dinamed.server.stack import Stack

if TYPE_CHECKING:
    from dinamed.plane.service import DataPlane

INTERVAL = 0.1
"""Seconds between the times that the plane's notes are taken."""
LEAST_SHARE = 1 / 256
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
        found.append(Branch(path, FrameFile(path), frame))
    if settings.dnstap_socket:
        path = settings.dnstap_socket
        found.append(Branch(path, FrameSocket(path), frame))
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
        self._lively = LEAST_SHARE
        self._random = rng.random
        self._settings = QueryLog()
        self._writer: Writer | None = None
        self._before = LogCounts()
        self._at_plane = self._dropped = 0
        self._sampling = 0.0
        self._looping = looping(reactor, self._tick, "taking notes for the query log")

    @property
    def counts(self) -> LogCounts:
        """How many exchanges were written and dropped since the start."""
        now = LogCounts() if self._writer is None else self._writer.counts
        return LogCounts(
            self._before.written + now.written,
            self._before.dropped + now.dropped + self._at_plane,
        )

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
            self._begin()
        plane = self._plane
        share = max(self._lively, settings.sample if settings.wanted else 0.0)
        if plane is not None and plane.running and self._sampling != share:
            plane.native.set_sampling(share)
            self._sampling = share
        self._take_samples()

    def _begin(self) -> None:
        if not self._settings.wanted:
            return
        self._writer = Writer(
            branches_of(self._settings, lambda: self._engine.snapshot.identity),
            lambda: self._engine.snapshot,
            lambda text: self._reactor.callFromThread(self._tell, text),
        )
        self._writer.start()
        self._sampled.tell(self._replied)

    @property
    def _engine(self) -> Any:
        return self._authority.engine

    def _end(self) -> Deferred[None] | None:
        writer, self._writer = self._writer, None
        self._sampled.tell(None)
        if writer is None:
            return None

        def ended(_: None) -> None:
            self._before.written += writer.counts.written
            self._before.dropped += writer.counts.dropped

        pool = self._reactor.getThreadPool()
        ending = deferToThreadPool(self._reactor, pool, writer.stop)
        return ending.addCallback(ended)

    def _replied(self, query: bytes, source: bytes, stream: bool, reply: bytes) -> None:
        """Note an answer of the Python engine."""
        if self._writer is not None and self._chosen(1.0):
            now = self._authority.seconds()
            self._writer.offer(Exchange(now, source, 0, stream, query, reply))

    def _take_samples(self) -> None:
        plane = self._plane
        if not self._sampling or plane is None or not plane.running:
            return
        samples, dropped = plane.native.take_samples(MOST_SAMPLES)
        self._lively = next_share(self._lively, len(samples))
        writer = self._writer
        for _, source, *_ in samples[-MANY:]:
            self._saw(source)
        for time, source, port, stream, query, reply in samples:
            if writer is not None and self._chosen(self._sampling):
                writer.offer(Exchange(time, source, port, stream, query, reply))
            if self._random() * self._sampling < LEAST_SHARE:
                # A database that turns out to be broken must not stop the log.
                with suppress(Exception):
                    self._locate(source)
        if writer is not None:
            self._at_plane += dropped - self._dropped
        self._dropped = dropped

    def _chosen(self, share: float) -> bool:
        """Whether one of the answers that are this share of all is for the log."""
        return self._random() * share < self._settings.sample

    def _tell(self, text: str) -> None:
        self.log.warn("query log: {text}", text=text)


def next_share(share: float, taken: int) -> float:
    """The share of answers to note next, after so many samples in a tick.

    A server that is seldom asked notes all, so that it is soon seen who asks.
    """
    if taken > MANY:
        return max(LEAST_SHARE, share * MANY / (2 * taken))
    return min(1.0, 2 * share) if taken < FEW else share
