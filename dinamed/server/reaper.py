"""Burying orphans, where this process is the first one of its system.

What a check has begun and left behind becomes a child of process 1, which has to take
note of its end.  In a container that may be us.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from twisted.internet.process import reapProcessHandlers

from dinamed.server.periodic import Periodic

INTERVAL = 0.25
"""Seconds between two looks."""


class ReaperService(Periodic):
    """Buries dead children that nobody else has buried since the look before.

    `ours` are the process ids of those that others wait for.
    """

    def __init__(
        self,
        reactor: Any,
        dead: Callable[[], Iterable[int]] | None = None,
        ours: Callable[[], Iterable[int]] = lambda: list(reapProcessHandlers),
    ) -> None:
        super().__init__(reactor, INTERVAL, self.look, "burying orphans")
        self._dead = dead or dead_children
        self._ours = ours
        self._seen: set[int] = set()

    def look(self) -> None:
        """Bury those that were dead before."""
        dead = set(self._dead()) - set(self._ours())
        for child in dead & self._seen:
            with suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)
        self._seen = dead - self._seen


def dead_children() -> Iterator[int]:
    """The process ids of our children that have ended and were not waited for."""
    for child in children():
        with suppress(OSError, IndexError):
            with open(f"/proc/{child}/stat", "rb") as file:
                state = file.read().rpartition(b")")[2].split()[0]
            if state == b"Z":
                yield int(child)


def children() -> set[str]:
    """The process ids of all our children; none where the system does not tell."""
    found: set[str] = set()
    for thread in os.listdir("/proc/self/task"):
        with suppress(OSError), open(f"/proc/self/task/{thread}/children") as file:
            found.update(file.read().split())
    return found
