"""Following the databases of places: files are read again when they change."""

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.geo.files import FileWatch, GeoData, load_geo, look_at
from dinamed.server.authority import Authority
from dinamed.server.periodic import Periodic

LOOK_INTERVAL = 5.0
"""Seconds between looks at the files."""


class GeoDatabaseService(Periodic):
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
        self._geo = authority.geo
        self._watch = FileWatch.over(authority.geo)

    def look(self) -> Deferred[None]:
        """Look once; load in a thread what has changed."""
        if self._geo is not self._authority.geo:
            self._geo = self._authority.geo
            self._watch = FileWatch.over(self._geo)
        geo = self._authority.loaded.settings.geo
        if not geo.databases or not self._watch.changed(look_at(geo.databases)):
            return succeed(None)
        loading: Deferred[GeoData] = deferToThreadPool(
            self._reactor,
            self._reactor.getThreadPool(),
            load_geo,
            geo,
            self._geo,
        )
        return loading.addCallbacks(self._take, self._fail)

    def _take(self, geo: GeoData) -> None:
        if self._geo is not self._authority.geo:
            return  # a reload was quicker
        for complaint in geo.complaints:
            self.log.error("not used: {why}", why=complaint.message)
        self._geo = geo
        self._authority.take_geo(geo)
        self.log.info("databases of places: {what}", what=summary(geo))

    def _fail(self, failure: Failure) -> None:
        self.log.failure("databases of places could not be loaded", failure)


def summary(geo: GeoData) -> str:
    """The databases in use, in a few words."""
    return ", ".join(f"{one.name} ({one.engine})" for one in geo.databases) or "none"
