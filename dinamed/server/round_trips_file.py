"""Measured round trips outlast a restart in a file of their own."""

import os
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from dinamed.server.authority import Authority
from dinamed.server.kept_files import write_atomically
from dinamed.server.periodic import Periodic
from dinamed.steering.round_trips import RoundTrips
from dinamed.steering.saved import restore, saved

SAVE_INTERVAL = 300.0
"""Seconds between saves, where anything was measured."""
FILE_NAME = "round-trips"


class RoundTripsFile(Periodic):
    """Restores the table of round trips when it starts, then saves it now and then.

    A file that cannot be read is kept aside as `.bad`, and said loudly.
    """

    log = Logger()

    def __init__(self, reactor: Any, table: RoundTrips, folder: str) -> None:
        super().__init__(reactor, SAVE_INTERVAL, self.save, "saving round trips")
        self._reactor = reactor
        self._table = table
        self._path = os.path.join(folder, FILE_NAME)
        self._edition = 0

    def startService(self) -> None:
        """Restore what there is, then save now and then."""
        self._restore()
        self._edition = self._table.edition
        super().startService()

    def stopService(self) -> Deferred[None]:
        """Save what is known at the end."""
        stopped = super().stopService() or succeed(None)
        return stopped.addCallback(lambda _: self._save_now())

    def save(self) -> Deferred[None]:
        """Save in a thread, unless nothing was measured since the last time."""
        if self._edition == self._table.edition:
            return succeed(None)
        data, self._edition = saved(self._table), self._table.edition
        pool = self._reactor.getThreadPool()
        return deferToThreadPool(self._reactor, pool, self._write, data)

    def _save_now(self) -> None:
        if self._edition != self._table.edition:
            self._write(saved(self._table))

    def _write(self, data: bytes) -> None:
        try:
            os.makedirs(os.path.dirname(self._path), 0o700, exist_ok=True)
            write_atomically(self._path, data)
        except OSError as error:
            self.log.error(
                "round trips are not saved to {path}: {error}",
                path=self._path,
                error=error.strerror,
            )

    def _restore(self) -> None:
        try:
            with open(self._path, "rb") as file:
                data = file.read()
            restore(self._table, data)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self.log.error(
                "{path} can't be read and is kept as {path}.bad: {error}",
                path=self._path,
                error=error,
            )
            try:
                os.replace(self._path, f"{self._path}.bad")
            except OSError:
                self._edition = self._table.edition


def round_trips_file(reactor: Any, authority: Authority) -> RoundTripsFile | None:
    """What keeps measured round trips over a restart, if there is a folder for that."""
    folder = authority.loaded.settings.server.state
    if folder is None:
        return None
    return RoundTripsFile(reactor, authority.manager.round_trips, folder)
