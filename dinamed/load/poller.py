"""What asks a member for its load, whatever the type of the feed."""

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
    """What an error comes to: a failure in these words, or a lack of ours."""
    lack = shortage(error, address)
    return FeedShortageError(lack) if lack else FeedError(words)


class Poller(Protocol):
    """Asks one target, and remembers what it must between two times."""

    def poll(self) -> "Deferred[Report | None]":
        """Ask, within the feed's time limit; only when not asking already.

        The Deferred fires with None where there is nothing to tell yet, and fails
        with L{FeedError}.  Cancelling it frees at once all that was held.
        """
        ...


class LoadSource(Protocol):
    """A feed put to work: makes pollers, which share what they can."""

    def poller(self, target: ProbeTarget) -> Poller:
        """What asks that target."""
        ...
