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
from dinamed.server.kept_files import kept_aside, write_atomically
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
MOST_TRIES = 6
"""Times that a state is tried to be read which the system does not let us read."""


class StateFileService(Periodic):
    """Restores the state when it starts, then saves it when it changes.

    It must start before the checks do.  What cannot be written is told in the log, and
    nothing else happens.  What cannot be read is never overwritten: a file that is not
    of ours, or of a later version, gets another name; one that the system does not let
    us read now is tried again before that.
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
        self._tries = 0
        """How often the state is still to be read; until then nothing is saved."""
        self._writing: Deferred[None] | None = None
        self._complained = False
        self._soon: IDelayedCall | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def startService(self) -> None:
        """Make the folder if it is not there, restore, then save now and then."""
        folder = os.path.dirname(self._path)
        self._attempt(lambda: os.makedirs(folder, 0o700, exist_ok=True), "saved to")
        if not self._inherited:
            self._tries = MOST_TRIES
            self._read()
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
        if self._tries:
            self._read()
        data = self._state()
        if (
            self._given_up
            or self._tries
            or self._writing is not None
            or data == self._written
        ):
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
        if data != self._written and not self._given_up and not self._tries:
            self._attempt(lambda: write_atomically(self._path, data), "saved to")

    def _state(self) -> bytes:
        manager, health = self._authority.manager, self._health
        state = SavedState(VERSION, manager.saved(), health.saved())
        return msgspec.json.encode(state)

    def _read(self) -> None:
        """Restore what was saved, if that can be read now."""
        try:
            with open(self._path, "rb") as file:
                data = file.read()
            self._restore(data)
        except FileNotFoundError:
            pass
        except IsADirectoryError as error:
            self._keep_aside(error)
        except OSError as error:
            self._tries -= 1
            if self._tries:
                self._complain("restored from", f"{error}; it is tried again")
                return
            self._keep_aside(error)
        except (ValueError, RecursionError, msgspec.DecodeError) as error:
            self._keep_aside(error)
        self._tries = 0

    def _keep_aside(self, error: Exception) -> None:
        """Never overwrite what could not be read: it may hold orders."""
        aside = kept_aside(self._path)
        self.log.error(
            "the state could not be restored from {path}: {why}; {what}",
            path=self._path,
            why=str(error),
            what=f"it is kept as {aside}, and the server begins without"
            if aside
            else "it stays there, and nothing is saved",
        )
        self._given_up = self._given_up or not aside

    def _restore(self, data: bytes) -> None:
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
