"""Samples of how long answers take and where clients are."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter

from dinamed.histogram import Histogram
from dinamed.plans.engine import Engine, Learner
from dinamed.server.responder import Responder

BOUNDS = tuple(
    float(f"{step}e{power}") for power in range(-6, 0) for step in ("1", "2.5", "5")
)
"""Upper bounds of the buckets in seconds, 1 µs to 0.5 s."""
MOST_COUNTRIES = 300
"""More than there are; only a strange database has more."""
NOWHERE = "??"
MOST_RECENT = 512
"""Sources that are remembered, the last that were seen."""


class TimingSamples:
    """The samples that were taken."""

    def __init__(self) -> None:
        self.seconds = Histogram(BOUNDS)
        self.countries: dict[str, int] = {}
        """Timed questions by the country of the one who sent them, the resolver."""
        self.recent: deque[bytes] = deque(maxlen=MOST_RECENT)
        """The packed addresses that asked lately, of a sample."""

    def saw(self, source: bytes) -> None:
        """Remember who has asked, by the packed address."""
        self.recent.append(source)

    def from_country(self, country: str) -> None:
        """Count one question."""
        if country in self.countries or len(self.countries) < MOST_COUNTRIES:
            self.countries[country] = self.countries.get(country, 0) + 1


class Timed:
    """A responder that measures the time of another one.

    UDP ports ask it for the first datagram of each wake-up alone: all of them while
    there are few, one of 64 under full load.
    """

    def __init__(
        self,
        responder: Responder,
        engine: Engine,
        samples: TimingSamples,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._responder = responder
        self.test = responder.test
        self._engine = engine
        self._samples = samples
        self._clock = clock

    def respond(
        self,
        data: bytes,
        source: bytes,
        stream: bool = False,
        learner: Learner | None = None,
    ) -> bytes | None:
        """The other's reply."""
        clock = self._clock
        began = clock()
        reply = self._responder.respond(data, source, stream, learner)
        self._samples.seconds.add(clock() - began)
        self._samples.saw(source)
        # A database that turns out to be broken must not stop a port.
        with suppress(Exception):
            self.locate(source)
        return reply

    def locate(self, source: bytes) -> None:
        """Count a question by the country of its packed source."""
        locator = self._engine.snapshot.locator
        place = locator.locate(source, len(source) * 8).place
        self._samples.from_country(place.country or NOWHERE)
