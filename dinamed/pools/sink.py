"""What is told by those who learn of loads: to the pool manager, or one before it."""

from typing import Protocol

from dinamed.pools.report import Report


class PoolSink(Protocol):
    """Takes what feeds and members say of loads."""

    def report(self, pool: str, member: str, report: Report, *, now: float) -> bool:
        """Take a report of a member; False if a newer one is there already.

        `now` is Unix time.
        """
        ...

    def feed_failed(self, pool: str, member: str, reason: str, *, now: float) -> object:
        """Take that a member could not be asked, or gave no sound report."""
        ...
