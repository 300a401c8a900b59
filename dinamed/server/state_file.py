"""The state file: what is kept over a restart."""

import os
from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.health.service import HealthService
from dinamed.health.watches import SavedCheck
from dinamed.pools.saved import Saved
from dinamed.server.authority import Authority
from dinamed.server.periodic import Periodic

SAVE_INTERVAL = 10.0
"""Seconds between saves, where something has changed."""
SOON = 1.0
"""Seconds from a change of state (an order, a verdict) to its save; not of reports."""
FILE_NAME = "state.json"


class SavedState(msgspec.Struct, frozen=True):
    """The content of the file."""

    version: int
    pools: Saved
    checks: list[SavedCheck]


VERSION = 1


def write_atomically(path: str, data: bytes) -> None:
    """Replace a file so that a crash leaves the old or the new one, whole.

    Raises `OSError`.
    """
    aside = f"{path}.new"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class StateFileService(Periodic):
    """Restores the state when it starts, then saves it when it changes.

    It must start before the checks do.  What cannot be read or written is told in
    the log, and nothing else happens.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        authority: Authority,
        health: HealthService,
        folder: str,
        inherited: bool = False,
    ) -> None:
        """`inherited`: the state has come from the process before this one."""
        super().__init__(reactor, SAVE_INTERVAL, self.save, "saving the state")
        self._reactor = reactor
        self._authority = authority
        self._health = health
        self._path = os.path.join(folder, FILE_NAME)
        self._inherited = inherited
        self._given_up = False
        self._written = b""
        self._writing: Deferred[None] | None = None
        self._complained = False
        self._soon: IDelayedCall | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def startService(self) -> None:
        """Make the folder if it is not there, restore, then save now and then."""
        folder = os.path.dirname(self._path)
        self._attempt(lambda: os.makedirs(folder, 0o700, exist_ok=True), "saved to")
        if not self._inherited:
            self._attempt(self._restore, "restored from")
        self._unsubscribe = self._authority.manager.changed.subscribe(self._changed)
        super().startService()

    def stopService(self) -> Deferred[None]:
        """Save what is known at the end."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        stopped = super().stopService() or succeed(None)
        return stopped.addCallback(lambda _: self._save_now())

    def give_up(self) -> None:
        """Save nothing more: another process does from now on."""
        self._given_up = True

    def _changed(self, pools: frozenset[str]) -> None:
        if self._soon is None:
            self._soon = self._reactor.callLater(SOON, self._save_soon)

    def _save_soon(self) -> None:
        self._soon = None
        if self._writing is None:
            self.save()
        else:  # what is being written is older
            self._changed(frozenset())

    def save(self) -> Deferred[None]:
        """Save in a thread, unless nothing has changed or that is going on."""
        data = self._state()
        if self._given_up or self._writing is not None or data == self._written:
            return succeed(None)
        self._writing = done = deferToThreadPool(
            self._reactor,
            self._reactor.getThreadPool(),
            write_atomically,
            self._path,
            data,
        )
        return done.addBoth(self._saved, data)

    def _saved(self, result: object, data: bytes) -> None:
        self._writing = None
        if isinstance(result, Failure):
            self._complain("saved to", result.getErrorMessage())
            return
        self._written = data
        self._complained = False

    def _save_now(self) -> None:
        data = self._state()
        if data != self._written and not self._given_up:
            self._attempt(lambda: write_atomically(self._path, data), "saved to")

    def _state(self) -> bytes:
        manager, health = self._authority.manager, self._health
        state = SavedState(VERSION, manager.saved(), health.saved())
        return msgspec.json.encode(state)

    def _restore(self) -> None:
        try:
            with open(self._path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return
        state = msgspec.json.decode(data, type=SavedState)
        if state.version != VERSION:
            raise ValueError(f"version {state.version} is not known")
        self._authority.manager.restore(state.pools, self._authority.seconds())
        self._health.restore(state.checks)
        self._written = data

    def _attempt(self, action: Callable[[], None], what: str) -> None:
        try:
            action()
        except (OSError, ValueError, RecursionError, msgspec.DecodeError) as error:
            self._complain(what, str(error))

    def _complain(self, what: str, why: str) -> None:
        if not self._complained:
            self._complained = True
            self.log.error(
                "the state could not be {what} {path}: {why}",
                what=what,
                path=self._path,
                why=why,
            )
