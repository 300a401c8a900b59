"""What all load feeds have in common: sources, pollers, and their errors."""

from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReactorProcess

from dinamed.health.connection import ConnectionReactor
from dinamed.health.results import ProbeTarget, clean
from dinamed.pools.report import Report
from dinamed.shortage import shortage

__all__ = [
    "FeedError",
    "FeedShortageError",
    "LoadReactor",
    "LoadSource",
    "Poller",
    "ProbeTarget",
    "feed_error",
]


class LoadReactor(ConnectionReactor, IReactorFDSet, IReactorProcess):
    """What load feeds need of the reactor."""


class FeedError(Exception):
    """There is no report this time; the message says why, on one line of ASCII."""

    def __init__(self, reason: str) -> None:
        super().__init__(clean(reason))


class FeedShortageError(FeedError):
    """There is none for what this host itself lacks; the last report stays."""


def feed_error(error: BaseException, words: str, address: str = "") -> FeedError:
    """The error of a feed: a failure in these words, or a shortage of this host."""
    lack = shortage(error, address)
    return FeedShortageError(lack) if lack else FeedError(words)


class Poller(Protocol):
    """Asks one target, and keeps what it needs from one poll to the next."""

    def poll(self) -> "Deferred[Report | None]":
        """Ask, within the feed's time limit; only when not asking already.

        The Deferred fires with None where there is nothing to tell yet, and fails
        with L{FeedError}.  Cancelling it frees at once all that was held.
        """
        ...


class LoadSource(Protocol):
    """A feed in use: makes the pollers of its targets, which share what they can."""

    def poller(self, target: ProbeTarget) -> Poller:
        """The poller of that target."""
        ...
