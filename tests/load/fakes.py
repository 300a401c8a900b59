"""Stand-ins for what load feeds use."""

from collections.abc import Callable
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.load.poller import FeedError, LoadReactor
from dinamed.pools.report import Report


def load_reactor(clock: Clock) -> LoadReactor:
    """The clock as a reactor; good where nothing but time is asked of it."""
    return cast(LoadReactor, clock)


class FakeLink:
    """A socket whose datagrams stay in the test."""

    def __init__(
        self,
        address: str,
        port: int,
        received: Callable[[bytes], None],
        broken: Callable[[FeedError], None],
    ) -> None:
        self.peer = (address, port)
        self.received = received
        self.broken = broken
        self.sent: list[bytes] = []
        self.closed = False

    def send(self, data: bytes) -> None:
        """Keep the datagram."""
        self.sent.append(data)

    def close(self) -> None:
        """Remember it."""
        self.closed = True


class FakeNetwork:
    """Opens fake links, or raises what is set in `refusal`."""

    def __init__(self) -> None:
        self.links: list[FakeLink] = []
        self.refusal: OSError | None = None

    def open(
        self,
        reactor: object,
        address: str,
        port: int,
        received: Callable[[bytes], None],
        broken: Callable[[FeedError], None],
    ) -> FakeLink:
        """Open a link."""
        if self.refusal is not None:
            raise self.refusal
        self.links.append(FakeLink(address, port, received, broken))
        return self.links[-1]


class PollTestCase(SynchronousTestCase):
    """Tests of pollers."""

    def reported(self, polled: "Deferred[Report | None]") -> Report:
        """The report that a poll has brought."""
        report = self.successResultOf(polled)
        assert report is not None, "no report yet"
        return report

    def refused(self, polled: "Deferred[Report | None]") -> str:
        """The reason for which a poll has failed."""
        return str(self.failureResultOf(polled, FeedError).value)
