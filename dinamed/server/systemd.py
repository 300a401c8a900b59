"""Reports the state of the service to systemd (sd_notify(3))."""

import os
import socket
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any

from twisted.application.service import Service

from dinamed.server.periodic import looping


class SystemdNotifier:
    """Sends states to the socket that `NOTIFY_SOCKET` names; without it, nothing.

    The variables are taken out of the environment, so that no child process speaks for
    us.  The socket is connected at once: later it may be out of reach (chroot).
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        path = environment.pop("NOTIFY_SOCKET", "")
        period = environment.pop("WATCHDOG_USEC", "")
        environment.pop("WATCHDOG_PID", None)
        self.watchdog = int(period) / 1e6 if period.isdecimal() else 0.0
        """Seconds within which systemd wants to hear that we live; 0: it does not."""
        self._socket: socket.socket | None = None
        if path.startswith(("/", "@")):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            sock.setblocking(False)
            try:
                sock.connect(path.replace("@", "\0", 1) if path[0] == "@" else path)
            except OSError:
                sock.close()
            else:
                self._socket = sock

    def tell(self, *lines: str) -> None:
        """Send states such as `READY=1`.  What cannot be sent is lost."""
        if self._socket is None:
            return
        with suppress(OSError):  # systemd will draw its own conclusions
            self._socket.send("\n".join(lines).encode())

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class SystemdService(Service):
    """Reports "ready" when it starts, so it must start last."""

    def __init__(
        self,
        reactor: Any,
        notifier: SystemdNotifier,
        summary: Callable[[], str],
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._notifier = notifier
        self._summary = summary
        self._monotonic = monotonic
        self._alive = looping(
            reactor, notifier.tell, "telling systemd that we live", "WATCHDOG=1"
        )

    def startService(self) -> None:
        """Ready."""
        super().startService()
        self._notifier.tell("READY=1", self._status(), f"MAINPID={os.getpid()}")
        if self._notifier.watchdog:
            # The reactor turns, or else this does not come: half the time is usual.
            self._alive.start(self._notifier.watchdog / 2)

    def stopService(self) -> None:
        """Stopping."""
        super().stopService()
        if self._alive.running:
            self._alive.stop()
        self._notifier.tell("STOPPING=1")
        self._notifier.close()

    def reloading(self, busy: bool) -> None:
        """Report that a reload has begun, or is over."""
        if not self.running:
            return
        if busy:
            usec = self._monotonic() // 1000
            self._notifier.tell("RELOADING=1", f"MONOTONIC_USEC={usec}")
        else:
            self._notifier.tell("READY=1", self._status())

    def leave(self, pid: int) -> None:
        """Another process is the main one from now on; we say nothing more."""
        if self._alive.running:
            self._alive.stop()
        self._notifier.tell(f"MAINPID={pid}", "READY=1", self._status())
        self._notifier.close()

    def _status(self) -> str:
        return f"STATUS={self._summary()}"
