"""Tests for what systemd is told."""

import os
import socket
import tempfile

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.server.systemd import SystemdNotifier, SystemdService


class NotifyCase(SynchronousTestCase):
    """A socket that listens in the place of systemd."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "notify")
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.systemd.setblocking(False)
        self.addCleanup(self.systemd.close)
        self.systemd.bind(self.path)
        self.environment = {"NOTIFY_SOCKET": self.path, "HOME": "/"}
        self.clock = Clock()

    def told(self) -> list[list[str]]:
        """What has come, as lines."""
        found = []
        while True:
            try:
                found.append(self.systemd.recv(4096).decode().splitlines())
            except BlockingIOError:
                return found

    def make_service(self) -> SystemdService:
        """A service that tells it."""
        notifier = SystemdNotifier(self.environment)
        self.addCleanup(notifier.close)
        return SystemdService(
            self.clock, notifier, lambda: "1 zone", monotonic=lambda: 5_000_999
        )


class NotifyTests(NotifyCase):
    """The life of a service."""

    def test_life(self) -> None:
        """Ready, reloading, ready, stopping."""
        service = self.make_service()
        service.reloading(True)
        self.assertEqual(self.told(), [])
        service.startService()
        ready = ["READY=1", "STATUS=1 zone", f"MAINPID={os.getpid()}"]
        self.assertEqual(self.told(), [ready])
        service.reloading(True)
        service.reloading(False)
        self.assertEqual(
            self.told(),
            [["RELOADING=1", "MONOTONIC_USEC=5000"], ["READY=1", "STATUS=1 zone"]],
        )
        service.stopService()
        self.assertEqual(self.told(), [["STOPPING=1"]])
        service.reloading(False)
        self.assertEqual(self.told(), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_watchdog(self) -> None:
        """Twice in the time that systemd waits."""
        self.environment["WATCHDOG_USEC"] = "3000000"
        self.environment["WATCHDOG_PID"] = str(os.getpid())
        service = self.make_service()
        service.startService()
        self.told()
        self.clock.pump([0.5] * 6)
        self.assertEqual(self.told(), [["WATCHDOG=1"]] * 2)
        service.stopService()

    def test_environment(self) -> None:
        """No child process inherits the way to systemd."""
        self.environment["WATCHDOG_USEC"] = "x"
        self.assertEqual(self.make_service()._notifier.watchdog, 0)
        self.assertEqual(self.environment, {"HOME": "/"})

    def test_abstract(self) -> None:
        """A name that begins with @ is one without a file."""
        name = f"dinamed-test-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(f"\0{name}")
            systemd.settimeout(5)
            notifier = SystemdNotifier({"NOTIFY_SOCKET": f"@{name}"})
            notifier.tell("READY=1")
            self.assertEqual(systemd.recv(64), b"READY=1")
            notifier.close()

    def test_nobody(self) -> None:
        """Without systemd, or when it has gone, nothing happens."""
        for path in ("", "/nonexistent/notify", "vsock:2:1"):
            SystemdNotifier({"NOTIFY_SOCKET": path} if path else {}).tell("READY=1")
        service = self.make_service()
        self.systemd.close()
        service.startService()
        service.stopService()
        self.assertFalse(service.running)
