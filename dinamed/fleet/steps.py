"""Work that is done in steps, a little at a time, so that it is on nobody's way."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.task import Cooperator
from twisted.logger import Logger

PAUSE = 0.05
"""Seconds between two stretches of work, each of a hundredth at most."""


class StepWorker:
    """Does one piece of work after the other; of each kind one waits at most."""

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._cooperator = Cooperator(
            scheduler=lambda step: reactor.callLater(PAUSE, step)
        )
        self._waiting: deque[tuple[str, Callable[[], Iterator[None]]]] = deque()
        self._now = ""
        self._running = True
        self._working = False

    def do(self, kind: str, work: Callable[[], Iterator[None]]) -> None:
        """Do this soon, unless such work waits already."""
        if not self._running or any(kind == other for other, _ in self._waiting):
            return
        self._waiting.append((kind, work))
        if not self._working:
            self._working = True
            self._cooperator.coiterate(self._steps()).addErrback(lambda _: None)

    def stop(self) -> None:
        """Do nothing any more."""
        self._running = False
        self._waiting.clear()
        self._cooperator.stop()

    def _steps(self) -> Iterator[None]:
        try:
            while self._waiting:
                _, work = self._waiting.popleft()
                try:
                    yield from work()
                except Exception:
                    self.log.failure("work for the fleet has failed, and goes on")
                yield
        finally:
            self._working = False
