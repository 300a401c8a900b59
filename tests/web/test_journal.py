"""The journal over HTTP: what happened in a span of time, and who was out then."""

from typing import Any

from dinamed.journal.events import Happening
from dinamed.journal.files import JournalFiles
from dinamed.journal.lines import event_line, standings_line
from dinamed.pools.saved import SavedMember
from tests.web.support import SiteCase

EXPLAIN = "/api/v1/explain?name=ftp.example.org&client=192.0.2.7"


class JournalTests(SiteCase):
    """A server that keeps a journal."""

    keeps_journal = True

    def setUp(self) -> None:
        """Orders are in the journal as the service would write them."""
        super().setUp()
        self.journal = JournalFiles(self.folder)
        views = self.authority.manager.views.items()
        stand = ((name, view.member_states) for name, view in views)
        self.journal.append(standings_line(self.now, stand))
        self.happenings.events.noted.subscribe(self.noted)

    def noted(self, event: Happening, state: SavedMember | None) -> None:
        """Write an event."""
        self.journal.append(event_line(event, state))

    async def order(self, state: str) -> None:
        """Put a member in a state, some time later."""
        self.now += 100
        path = "/api/v1/pools/mirrors/members/big"
        body = {"state": state, "by": "alice", "reason": "kernel"}
        await self.json("PUT", path, 200, body=body)

    async def then(self, at: float) -> tuple[list[str], str]:
        """What is told of a time, and the answer of then."""
        told: Any = await self.json("GET", f"{EXPLAIN}&at={at}", 200)
        steps = [s["text"] for s in told["steps"] if s["topic"] == "then"]
        return steps, "".join(told["answer"])

    async def test_explain(self) -> None:
        """Who was out then, and the answer that this gives."""
        start = self.now
        await self.order("drain")
        await self.order("auto")
        self.now += 100
        big = next(a for n, a in self.answers() if n == "big")
        steps, answer = await self.then(start + 150)
        self.assertIn("mirrors/big: drained by order of alice: kernel (since", steps[1])
        self.assertNotIn(big, answer)
        steps, _ = await self.then(start + 250)
        self.assertEqual(steps[1:], ["nobody was out"])
        told: Any = await self.json("GET", EXPLAIN, 200)
        self.assertNotIn("then", [step["topic"] for step in told["steps"]])

    def answers(self) -> list[tuple[str, str]]:
        """Members and their addresses."""
        pools = self.authority.loaded.settings.pools
        return [(m.name, m.addresses[0]) for pool in pools for m in pool.members]

    async def test_wrong_times(self) -> None:
        """What is no time, what is not known, and what is still to come."""
        for at, status in (("x", 400), ("nan", 400), ("-1", 400), ("9e9", 400)):
            await self.json("GET", f"{EXPLAIN}&at={at}", status)
        error = await self.json("GET", f"{EXPLAIN}&at=5", 404)
        self.assertIn("the journal begins at", error["error"])

    async def test_events(self) -> None:
        """Those of a span of time."""
        start = self.now
        await self.order("drain")
        await self.order("auto")
        path = f"/api/v1/events?after={start + 50}&before={start + 150}"
        events = await self.json("GET", path, 200)
        self.assertEqual([event["text"] for event in events], ["drain"])
        self.assertEqual(events[0]["by"], "alice")
        events = await self.json("GET", f"/api/v1/events?after={start + 50}", 200)
        self.assertEqual([event["text"] for event in events], ["drain", "lifted"])
        await self.json("GET", "/api/v1/events?after=yesterday", 400)


class NoJournalTests(SiteCase):
    """A server without a folder for its state."""

    async def test_nothing(self) -> None:
        """The past can't be explained; what is in memory is told by time too."""
        error = await self.json("GET", f"{EXPLAIN}&at=5", 404)
        self.assertIn("[server] state is not set", error["error"])
        events = await self.json("GET", f"/api/v1/events?before={self.now}", 200)
        self.assertEqual(events, [])
        events = await self.json("GET", f"/api/v1/events?after={self.now}", 200)
        self.assertEqual([event["kind"] for event in events], ["replace"])
