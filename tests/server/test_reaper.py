"""Burying orphans as process 1 has to."""

import os
import subprocess
import sys

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.server.reaper import INTERVAL, ReaperService, children, dead_children


class ReaperTests(SynchronousTestCase):
    """With real children that have ended."""

    def child(self) -> int:
        """One that is dead, and that nobody has waited for."""
        process = subprocess.Popen([sys.executable, "-S", "-c", ""])
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        process.returncode = 0  # so that the library does not wait for it
        return process.pid

    def test_buries(self) -> None:
        """What is dead in two looks is buried, but for those that others wait for."""
        ours, orphan = self.child(), self.child()
        self.addCleanup(os.waitpid, ours, 0)
        self.assertIn(orphan, set(dead_children()))
        clock = Clock()
        service = ReaperService(
            clock, lambda: {ours, orphan} & set(dead_children()), lambda: [ours]
        )
        service.startService()
        self.addCleanup(service.stopService)
        self.assertIn(str(orphan), children())
        clock.advance(INTERVAL)
        clock.advance(INTERVAL)
        self.assertNotIn(str(orphan), children())
        self.assertIn(str(ours), children())

    def test_gone_meanwhile(self) -> None:
        """One that somebody else has buried just now is nobody's error."""
        clock = Clock()
        gone = self.child()
        os.waitpid(gone, 0)
        service = ReaperService(clock, lambda: [gone], lambda: [])
        service.startService()
        self.addCleanup(service.stopService)
        clock.pump([INTERVAL] * 3)
        self.assertEqual(self.flushLoggedErrors(), [])
