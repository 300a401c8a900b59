"""Threads for tests: what they are given is run at once."""

from typing import Any

from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool


class AtOncePool(ThreadPool):
    """Runs what it is given at once, and tells how it ended."""

    def callInThreadWithCallback(
        self,
        onResult: Any,  # noqa: N803
        func: Any,
        *args: Any,
        **kw: Any,
    ) -> None:
        """Run it here."""
        try:
            result = func(*args, **kw)
        except Exception:
            onResult(False, Failure())
        else:
            onResult(True, result)


class ReactorOfOneThread(Clock):
    """A clock whose threads are none."""

    def getThreadPool(self) -> ThreadPool:
        """The pool."""
        return AtOncePool()

    def callFromThread(self, function: Any, *args: Any, **kw: Any) -> None:
        """Call it here."""
        function(*args, **kw)
