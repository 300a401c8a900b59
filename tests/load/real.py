"""Real daemons for tests of load feeds: started for a test, ended with it."""

import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from dinamed.load.poller import FeedError, Poller
from dinamed.pools.report import Report
from tests.daemon.harness import START_SECONDS, need_tool

ANY_REACTOR: Any = reactor


class RealTestCase(TestCase):
    """Tests that ask real daemons on loopback addresses."""

    timeout = 60.0

    def start(self, tool: str, arguments: Sequence[str]) -> None:
        """Start a daemon in the foreground; without it the test is skipped."""
        process = subprocess.Popen(
            [need_tool(tool), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    async def report(
        self, poller: Poller, good: Callable[[Report], bool] = lambda _: True
    ) -> Report:
        """The first good report, from a daemon that may still be starting."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            last: object
            try:
                last = report = await poll(poller)
            except FeedError as error:
                last = error
            else:
                if report is not None and good(report):
                    return report
            assert time.monotonic() < deadline, f"no report: {last}"
            await deferLater(ANY_REACTOR, 0.02)

    async def refusal(self, poller: Poller) -> str:
        """Why a poll gives no report."""
        error = await self.assertFailure(poll(poller), FeedError)
        return str(error)


def poll(poller: Poller) -> "Deferred[Report | None]":
    """Ask once."""
    return poller.poll()
