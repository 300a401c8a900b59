"""The dashboard's events."""

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from dinamed.plans.context import packed
from dinamed.web import overload
from dinamed.web.live import MOST_OF_POOL, POINTS
from dinamed.web.watchers import MOST_WATCHERS, PATIENCE, Watcher
from tests.plans.support import query
from tests.web.support import SiteCase
from tests.web.test_metrics import MANY


class Reader(Protocol):
    """Reads events until there are enough, then hangs up."""

    def __init__(self, wanted: int) -> None:
        self.done: Deferred[list[tuple[str, Any]]] = Deferred()
        self._wanted = wanted
        self._data = b""

    def dataReceived(self, data: bytes) -> None:
        self._data += data
        events = self.events()
        if len(events) >= self._wanted and not self.done.called:
            assert self.transport is not None
            self.transport.loseConnection()
            self.done.callback(events)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.done.called:
            self.done.callback(self.events())

    def events(self) -> list[tuple[str, Any]]:
        """What has come whole."""
        found = []
        for block in self._data.decode().split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            if "event" in fields:
                found.append((fields["event"], json.loads(fields["data"])))
        return found


class EventsTests(SiteCase):
    """What a page is told."""

    async def watch(self, wanted: int) -> Reader:
        """Begin to watch."""
        url = (self.base + "/api/v1/live").encode()
        response = await self.agent.request(b"GET", url, Headers())
        self.assertEqual(response.code, 200)
        reader = Reader(wanted)
        response.deliverBody(reader)
        return reader

    async def test_first(self) -> None:
        """The last minutes, then now."""
        data = query("ftp.example.org", "A").to_wire()
        for _ in range(POINTS + 3):
            self.parts.stack.resolver.respond(data, packed("192.0.2.7"))
            self.events.tell_all()
        reader = await self.watch(2)
        (_, history), (kind, tick) = await reader.done
        self.assertEqual(kind, "tick")
        self.assertEqual(len(history["questions"]), POINTS)
        self.assertEqual(history["questions"][-1], POINTS + 3)
        points = history["hand_outs"]["mirrors"]
        self.assertEqual(sum(totals[-1] for totals in points.values()), POINTS + 3)
        (pool,) = tick["pools"]
        self.assertEqual((pool["name"], pool["size"]), ("mirrors", 2))
        self.assertEqual(pool["members"][0]["name"], "big")

    async def test_step(self) -> None:
        """Each step tells what is new."""
        reader = await self.watch(3)
        self.assertEqual(self.events.watchers, 1)
        await self.ask("PUT", "/api/v1/pools/mirrors/members/big", {"state": "drain"})
        self.events.tell_all()
        events = await reader.done
        (pool,) = events[2][1]["pools"]
        self.assertEqual(pool["members"][0]["reason"], "drained by order of 127.0.0.1")

    async def test_too_many(self) -> None:
        """One page too many is told so."""
        readers = [await self.watch(3) for _ in range(MOST_WATCHERS)]
        await self.json("GET", "/api/v1/live", 503)
        self.events.tell_all()
        for reader in readers:
            await reader.done

    async def test_end(self) -> None:
        """The streams end when the service does."""
        await self.watch(99)
        self.events.startService()
        await self.events.stopService()
        self.assertEqual(self.events.watchers, 0)

    async def test_head(self) -> None:
        """HEAD does not watch."""
        reply = await self.ask("HEAD", "/api/v1/live")
        self.assertEqual(reply.type, "text/event-stream")
        self.assertEqual(self.events.watchers, 0)


class LargePoolTests(SiteCase):
    """A pool with more members than a tick tells of."""

    config = MANY

    async def test_those_that_are_out_first(self) -> None:
        """The cost is bounded, and who is out is there."""
        await self.ask("PUT", "/api/v1/pools/large/members/m399", {"state": "down"})
        self.events.tell_all()
        tick = self.events._live.tick().decode()
        (pool,) = json.loads(tick.split("data: ")[1])["pools"]
        self.assertEqual((len(pool["members"]), pool["size"]), (MOST_OF_POOL, 400))
        self.assertEqual(pool["members"][0]["name"], "m399")
        history = self.events._live.history().decode()
        told = json.loads(history.split("data: ")[1])["hand_outs"]["large"]
        self.assertEqual(len(told), MOST_OF_POOL)

    async def test_over_in_slices(self) -> None:
        """All members are looked at in the end, some at each tick."""
        self.patch(overload, "MOST_AT_ONCE", 250)
        loads = [{"member": f"m{n}", "load": 0.95} for n in (5, 300, 399)]
        await self.ask("POST", "/api/v1/load", loads)
        self.assertNotIn(b"at 90 %", self.events._live.tick())
        self.assertIn(b"large: 3 members at 90 % or more", self.events._live.tick())
        await self.ask("POST", "/api/v1/load", [{"member": "m5", "load": 0.1}])
        ticks = [self.events._live.tick() for _ in range(3)]
        self.assertIn(b"large: 2 members at 90 % or more", ticks[-1])


class FakeTransport:
    """Knows whether it was cut off."""

    aborted = False

    def abortConnection(self) -> None:
        """Note it."""
        self.aborted = True


class FakeRequest:
    """A request whose reader is slow."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.transport = FakeTransport()

    def registerProducer(self, producer: object, streaming: bool) -> None:  # noqa: N802
        """Nothing to do."""

    def notifyFinish(self) -> Deferred[None]:  # noqa: N802
        """Never."""
        return Deferred()

    def write(self, data: bytes) -> None:
        """Note it."""
        self.written.append(data)


class WatcherTests(SynchronousTestCase):
    """A page that reads slowly."""

    def test_slow(self) -> None:
        """It misses ticks, and is cut off when it has read nothing for long."""
        clock, request = Clock(), FakeRequest()
        gone: list[Watcher] = []
        watcher = Watcher(request, clock.seconds(), gone.append)  # type: ignore[arg-type]
        watcher.tell(b"1", 0)
        watcher.pauseProducing()
        watcher.tell(b"2", 2)
        watcher.resumeProducing()
        watcher.tell(b"3", 4)
        self.assertEqual(request.written, [b"1", b"3"])
        watcher.pauseProducing()
        watcher.tell(b"4", 4 + PATIENCE)
        self.assertFalse(request.transport.aborted)
        watcher.tell(b"5", 5 + PATIENCE)
        self.assertTrue(request.transport.aborted)
        self.assertEqual(gone, [watcher])
