"""Following the databases of places: files are read again when they change."""

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.geo.files import Places, Watch, load_places, look_at
from dinamed.server.authority import Authority
from dinamed.server.periodic import Periodic

LOOK_INTERVAL = 5.0
"""Seconds between looks at the files."""


class PlacesService(Periodic):
    """Looks at the database files, and swaps in what has changed.

    A file that cannot be used is told once; what was known stays.
    """

    log = Logger()

    def __init__(self, reactor: Any, authority: Authority) -> None:
        super().__init__(
            reactor, LOOK_INTERVAL, self.look, "looking at databases of places"
        )
        self._reactor = reactor
        self._authority = authority
        self._places = authority.places
        self._watch = Watch.over(authority.places)

    def look(self) -> Deferred[None]:
        """Look once; load in a thread what has changed."""
        if self._places is not self._authority.places:
            self._places = self._authority.places
            self._watch = Watch.over(self._places)
        geo = self._authority.loaded.settings.geo
        if not geo.databases or not self._watch.changed(look_at(geo.databases)):
            return succeed(None)
        loading: Deferred[Places] = deferToThreadPool(
            self._reactor,
            self._reactor.getThreadPool(),
            load_places,
            geo,
            self._places,
        )
        return loading.addCallbacks(self._take, self._fail)

    def _take(self, places: Places) -> None:
        if self._places is not self._authority.places:
            return  # a reload was quicker
        for complaint in places.complaints:
            self.log.error("not used: {why}", why=complaint.message)
        self._places = places
        self._authority.take_places(places)
        self.log.info("databases of places: {what}", what=summary(places))

    def _fail(self, failure: Failure) -> None:
        self.log.failure("databases of places could not be loaded", failure)


def summary(places: Places) -> str:
    """The databases in use, in a few words."""
    return ", ".join(f"{one.name} ({one.engine})" for one in places.databases) or "none"
