"""Tests for the highest TTLs of zones."""

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.server.highest_ttls import WALKED_HERE, HighestTtls
from dinamed.wire.names import from_text
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone, pack


class LaterPool:
    """A pool of threads that works when it is told to."""

    def __init__(self) -> None:
        self.jobs: list[Any] = []

    def callInThreadWithCallback(self, done: Any, work: Any, *args: Any) -> None:
        """Keep it for later."""
        self.jobs.append((done, work, args))

    def work(self) -> None:
        """Do what there is."""
        jobs, self.jobs = self.jobs, []
        for done, work, args in jobs:
            done(True, work(*args))


class ThreadedClock(Clock):
    """A clock with such a pool."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = LaterPool()

    def getThreadPool(self) -> LaterPool:
        """The pool."""
        return self.pool

    def callFromThread(self, work: Any, *args: Any) -> None:
        """There is one thread."""
        work(*args)


def zone_of(names: int, ttl: int) -> PackedZone:
    """A zone with so many names, of which one has this TTL and the others less."""
    soa = RRset(6, 300, (b"\0\0" + bytes(20),))
    labels = [b"n%d" % number for number in range(names - 1)]
    rrsets = [
        (bytes((len(label),)) + label, RRset(1, 60 if place else ttl, (b"\1\2\3\4",)))
        for place, label in enumerate(labels)
    ]
    return PackedZone(pack(from_text("example.org."), [(b"", soa), *rrsets], {}))


class HighestTtlsTests(SynchronousTestCase):
    """Zones of some sizes."""

    def test_small(self) -> None:
        """They are looked at there and then."""
        clock = ThreadedClock()
        known = HighestTtls(clock)
        self.assertEqual(known.of(zone_of(3, 100_000)), 100_000)
        self.assertEqual(known.of(zone_of(3, 50)), 300)
        self.assertEqual(clock.pool.jobs, [])

    def test_large(self) -> None:
        """A thread looks at each once; meanwhile that of the version before holds."""
        clock = ThreadedClock()
        known = HighestTtls(clock)
        first, second = zone_of(WALKED_HERE + 1, 1000), zone_of(WALKED_HERE + 1, 2000)
        self.assertIsNone(known.of(first))
        self.assertIsNone(known.of(first))
        self.assertEqual(len(clock.pool.jobs), 1)
        clock.pool.work()
        self.assertEqual(known.of(first), 1000)
        self.assertEqual(known.of(second), 1000)
        clock.pool.work()
        self.assertEqual(known.of(second), 2000)
        known.keep(())
        self.assertIsNone(known.of(first))
        clock.pool.work()
        self.assertEqual(clock.pool.jobs, [])
