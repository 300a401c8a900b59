"""Who was out at a time, by the journal."""

from collections.abc import Iterator, Mapping

from twisted.trial.unittest import SynchronousTestCase

from dinamed.happenings import PoolEvents
from dinamed.journal.events import EventLog, Happening
from dinamed.journal.lines import JournalLine, decoded_line, event_line, standings_line
from dinamed.journal.past import NotKnownError, events_between, last_events, past_at
from dinamed.pools.manager import PoolManager
from dinamed.pools.report import out_report
from dinamed.pools.saved import SavedMember
from dinamed.pools.states import Order
from tests.config.folder import FolderTestCase

CONFIG = """
[pools.mirrors]
[pools.mirrors.check]
type = "tcp"
port = 80
[[pools.mirrors.members]]
name = "a"
addresses = ["192.0.2.1"]
[[pools.mirrors.members]]
name = "b"
addresses = ["192.0.2.2"]
"""


class Pages:
    """A journal in memory; the newest file first."""

    def __init__(self, *files: list[bytes]) -> None:
        self._files = dict(zip("abcdef", files, strict=False))

    def paths(self) -> list[str]:
        return list(self._files)

    def lines(self, path: str) -> Iterator[JournalLine]:
        for data in self._files[path]:
            line = decoded_line(data)
            assert line is not None
            yield line


class PastTests(FolderTestCase):
    """From what happens to pools to what is told of a time."""

    def setUp(self) -> None:
        super().setUp()
        self.now = 100.0
        settings = self.load(CONFIG).settings
        assert settings is not None
        self.pools = PoolManager(settings.pools, self.now)
        self.file: list[bytes] = []
        self.events = EventLog(lambda: self.now)
        self.begin()
        PoolEvents(self.events, self.pools)
        self.events.noted.subscribe(self.noted)

    def begin(self) -> None:
        """Write where everybody stands."""
        views = self.pools.views
        told = ((name, view.member_states) for name, view in views.items())
        self.file.append(standings_line(self.now, told))

    def noted(self, event: Happening, state: SavedMember | None) -> None:
        """Write an event."""
        self.file.append(event_line(event, state))

    def out(self, at: float) -> Mapping[str, str]:
        """Why who was out then."""
        past = past_at(Pages(self.file), at)
        return {f"{pool}/{name}": why for pool, name, why in past.out()}

    def order(self, member: str, order: Order, until: float | None = None) -> None:
        """Order something, as alice."""
        self.pools.order(
            "mirrors",
            member,
            order,
            now=self.now,
            until=until,
            by="alice",
            reason="kernel",
        )

    def test_orders_and_verdicts(self) -> None:
        """Each time tells its own story, with who and why; what ended is not told."""
        self.now = 200.0
        self.order("a", Order.DRAIN, 290.0)
        self.now = 250.0
        self.pools.health("mirrors", "b", False, "timed out", now=self.now)
        self.now = 300.0
        self.pools.expire(self.now)
        self.now = 400.0
        self.pools.health("mirrors", "b", True, now=self.now)
        drained = {"mirrors/a": "drained by order of alice: kernel"}
        dead = {"mirrors/b": "unhealthy: timed out"}
        self.assertEqual(self.out(150.0), {})
        self.assertEqual(self.out(200.0), drained)
        self.assertEqual(self.out(260.0), drained | dead)
        self.assertEqual(self.out(399.0), dead)
        self.assertEqual(self.out(400.0), {})
        since = past_at(Pages(self.file), 399.0).since
        self.assertEqual(since, {("mirrors", "b"): 250.0})

    def test_restored(self) -> None:
        """A manager that is given what was known is in the states of then."""
        self.now = 200.0
        self.order("a", Order.DOWN)
        self.pools.weigh("mirrors", "b", 7.0, now=self.now)
        report = out_report(now=self.now, source="push")
        self.pools.report("mirrors", "b", report, now=self.now)
        self.now = 300.0
        self.order("a", Order.AUTO)
        past = past_at(Pages(self.file), 250.0)
        then = PoolManager(
            (view.settings for view in self.pools.views.values()), past.at
        )
        then.restore(past.saved(), past.at)
        view = then.view("mirrors")
        words = {member.name: view.why_out(member) for member in view.members}
        self.assertEqual(
            words,
            {"a": "down by order of alice: kernel", "b": "member says: out"},
        )
        self.assertEqual([member.weight for member in view.members], [1.0, 7.0])

    def test_another_process(self) -> None:
        """A process that begins says how it stands; what was known before is old."""
        self.now = 200.0
        self.order("a", Order.DRAIN)
        self.pools.health("mirrors", "b", False, "timed out", now=self.now)
        self.now = 300.0
        self.pools.health("mirrors", "b", None, now=self.now)
        self.file.pop()  # the process before did not live to write it
        self.begin()
        past = past_at(Pages(self.file), 350.0)
        self.assertEqual([name for _, name, _ in past.out()], ["a"])
        self.assertEqual(past.since, {("mirrors", "a"): 200.0})

    def test_files(self) -> None:
        """The file that goes back so far is read; before the oldest is nothing."""
        self.order("a", Order.DRAIN)
        old, self.file = self.file, []
        self.now = 500.0
        self.begin()
        self.order("a", Order.AUTO)
        pages = Pages(self.file, old)
        self.assertEqual(len(list(past_at(pages, 499.0).out())), 1)
        self.assertEqual(len(list(past_at(pages, 500.0).out())), 0)
        error = self.assertRaises(NotKnownError, past_at, pages, 99.0)
        self.assertIn("1970-01-01 00:01:40Z", str(error))
        self.assertRaises(NotKnownError, past_at, Pages(), 99.0)
        texts = [event.text for event in events_between(pages, 0.0, 1e9)]
        self.assertEqual(texts, ["drain", "lifted"])
        self.assertEqual(events_between(pages, 101.0, 500.0), ())
        self.assertEqual([event.id for event in last_events(pages)], [1, 2])


class EventLogTests(SynchronousTestCase):
    """Numbers that go on."""

    def test_resume(self) -> None:
        """Numbers go on behind those of before, and one that is taken gets another."""
        log = EventLog(lambda: 1.0)
        log.resume([Happening(7, 0.5, "reload", "", "old")])
        log.note("reload", "", "new")
        log.resume([Happening(8, 0.9, "reload", "", "late")])
        self.assertEqual(
            [(event.id, event.text) for event in log.since(0)],
            [(7, "old"), (8, "new"), (9, "late")],
        )
        self.assertEqual([event.id for event in log.since(8)], [9])
        self.assertEqual(log.since(9), ())
