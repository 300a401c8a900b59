"""The service that keeps the journal."""

import os

from twisted.trial.unittest import SynchronousTestCase

from dinamed.journal.events import EventLog
from dinamed.journal.past import past_at
from dinamed.journal.service import AGAIN, MOST_WAITING, SOON, JournalService
from dinamed.pools.manager import PoolManager
from tests.at_once import ReactorOfOneThread
from tests.server.support import captured


class JournalServiceTests(SynchronousTestCase):
    """JournalService."""

    def setUp(self) -> None:
        self.folder = self.mktemp()
        self.clock = ReactorOfOneThread()
        self.logged = captured(self)

    def begin(self) -> tuple[EventLog, JournalService]:
        """A process that begins."""
        events = EventLog(self.clock.seconds)
        pools = PoolManager((), self.clock.seconds())
        service = JournalService(self.clock, events, pools, self.folder)
        service.startService()
        self.clock.advance(SOON)
        return events, service

    def test_restart(self) -> None:
        """The next process knows what happened, and goes on with the numbers."""
        events, service = self.begin()
        events.note("order", "mirrors/a", "drain", "alice", "kernel")
        self.successResultOf(service.stopService())
        events, service = self.begin()
        first, last = events.since(0)
        self.assertEqual((first.id, first.by, first.reason), (1, "alice", "kernel"))
        self.assertEqual((last.id, last.text), (2, f"process {os.getpid()} ends"))
        events.note("reload", "", "again")
        self.assertEqual(events.last, 3)
        self.successResultOf(service.stopService())

    def test_soon(self) -> None:
        """An event is in the file at once, before any end."""
        events, service = self.begin()
        events.note("order", "mirrors/a", "drain")
        self.clock.advance(SOON)
        recent = past_at(service.files, self.clock.seconds()).recent
        self.assertEqual([event.text for event in recent], ["drain"])
        self.successResultOf(service.stopService())

    def test_replaced(self) -> None:
        """One that was replaced writes what it still knows, but not that it ends."""
        events, service = self.begin()
        service.leave()
        events.note("reload", "", "late")
        self.successResultOf(service.stopService())
        events, service = self.begin()
        self.assertEqual([event.text for event in events.since(0)], ["late"])
        self.successResultOf(service.stopService())

    def test_no_disk(self) -> None:
        """What can't be written waits, with a bound, and is told once."""
        events, service = self.begin()
        os.rename(self.folder, self.folder + "-away")
        for number in range(MOST_WAITING + 5):
            events.note("reload", "", str(number))
        self.clock.advance(SOON)
        events.note("reload", "", "one more")
        self.clock.advance(AGAIN)
        errors = [e for e in self.logged if "can't be written" in str(e["log_format"])]
        self.assertEqual(len(errors), 1)
        os.rename(self.folder + "-away", self.folder)
        self.clock.advance(AGAIN)
        lost = [e for e in self.logged if "lost" in e]
        self.assertEqual([e["lost"] for e in lost], [6])
        recent = past_at(service.files, self.clock.seconds()).recent
        self.assertEqual(recent[-1].text, "one more")
        self.successResultOf(service.stopService())

    def test_damaged(self) -> None:
        """A damaged end is told, and does not hinder."""
        events, service = self.begin()
        events.note("reload", "", "good")
        self.successResultOf(service.stopService())
        with open(service.files.path, "ab") as file:
            file.write(b'{"at": 1, "ev')
        events, service = self.begin()
        self.assertEqual(events.last, 2)
        asides = [e["aside"] for e in self.logged if "is damaged" in e["log_format"]]
        self.assertEqual(len(asides), 1)
        self.assertTrue(os.path.exists(asides[0]))
        self.successResultOf(service.stopService())
