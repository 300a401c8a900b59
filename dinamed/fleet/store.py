"""What the fleet asks of whatever keeps its values.

A store has keys below one prefix, written with slashes.  A server *owns* some, that go
when it is not heard of for a while; the *shared* ones stay, and are changed by whoever
says on which revision the change is based.  Everybody is told of every change.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred


class StoreError(Exception):
    """The store can't be had, or says no; the message is for people."""


class StaleError(StoreError):
    """A shared key was changed meanwhile: its present `revision` and `value`."""

    def __init__(self, revision: int, value: bytes | None) -> None:
        super().__init__("changed meanwhile")
        self.revision = revision
        self.value = value


class Change(NamedTuple):
    """A key's value from that revision on; None: it is gone."""

    key: str
    value: bytes | None
    revision: int


Listener = Callable[[Sequence[Change], int], object]
"""Is told of changes, and the revision up to which there are no others."""


class StoreStatus(NamedTuple):
    """How it goes: `why` is what was last wrong, "" if nothing is.

    `counters` are numbers since the start, by name; `facts` what else there is to know,
    such as which endpoint is in use; `sizes` are octets that it takes, by name.
    """

    connected: bool
    why: str
    revision: int
    counters: dict[str, int]
    facts: dict[str, str]
    sizes: dict[str, int]


class Store(Protocol):
    """Keeps the values of a fleet."""

    def start(self, listener: Listener) -> None:
        """Begin; the listener is first told of all there is."""

    def stop(self, leave: bool) -> Deferred[None]:
        """End; with `leave` one's own keys go at once.  Takes a second at most."""

    def publish(self, key: str, value: bytes) -> None:
        """Have an owned key say that, as soon as it can be; the newest value wins."""

    def withdraw(self, key: str) -> None:
        """Have an owned key say nothing."""

    def give(self, key: str, value: bytes | None, based_on: int) -> Deferred[int]:
        """Change a shared key that is at that revision (0: not there); the new one.

        Fails with `StaleError` if it was changed meanwhile, else with `StoreError`.
        """

    def status(self) -> StoreStatus:
        """How it goes."""
