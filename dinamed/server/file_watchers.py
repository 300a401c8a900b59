"""Watchers of files: what has changed is read again without being asked for."""

from collections.abc import Callable
from glob import glob
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.config.settings import Settings
from dinamed.config.zone_rules import origin
from dinamed.geo.files import FileWatch, GeoData, load_geo, look_at
from dinamed.problems import Problem
from dinamed.server.authority import Authority
from dinamed.server.config_loader import Configuration
from dinamed.server.periodic import Periodic
from dinamed.server.services import ReloadOutcome

CONFIG_INTERVAL = 2.0
"""Seconds between looks at the files of zones and config, as geodns has it."""
GEO_INTERVAL = 5.0
"""Seconds between looks at the databases of places."""


class ConfigWatcher(Periodic):
    """Looks at the files behind zones of other programs, and reloads on a change.

    The programs that write these files tell nobody.  With `reload = "watch"` all files
    are looked at, that of the config too.  What is bad changes nothing, and
    is not tried again before the file changes again.  What is served in another way
    than a file says is logged once.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        authority: Authority,
        reload: Callable[[], Deferred[ReloadOutcome]],
    ) -> None:
        super().__init__(reactor, CONFIG_INTERVAL, self.look, "looking at zone files")
        self._reactor = reactor
        self._authority = authority
        self._reload = reload
        loaded = authority.loaded
        self._watch = FileWatch(look_at(_files(loaded, _included(loaded))))
        self._gone: frozenset[str] = frozenset()
        self._warned: frozenset[Problem] = frozenset()
        authority.applied.subscribe(self._applied)

    def startService(self) -> None:
        """Log the warnings, and begin to look."""
        self._warn()
        super().startService()

    def look(self) -> Deferred[None]:
        """Look once: in a thread, for there may be very many files."""
        looking: Deferred[bool] = deferToThreadPool(
            self._reactor,
            self._reactor.getThreadPool(),
            self._is_news,
            self._authority.loaded,
        )
        return looking.addCallback(self._looked)

    def _looked(self, news: bool) -> None:
        if news:
            self._reload()

    def _is_news(self, loaded: Configuration) -> bool:
        """Whether a file has changed, or has gone that is included."""
        included = _included(loaded)
        files = _files(loaded, included)
        changed = bool(files) and self._watch.changed(look_at(files))
        if loaded.settings.server.reload != "watch":
            return changed
        before = self._gone
        self._gone = frozenset(loaded.settings.files) - frozenset(included)
        return bool(self._gone - before) or changed

    def _applied(self, settings: Settings) -> None:
        self._warn()

    def _warn(self) -> None:
        warnings = self._authority.loaded.warnings
        for warning in warnings:
            if warning not in self._warned:
                self.log.warn("{what}", what=str(warning))
        self._warned = frozenset(warnings)


def _files(loaded: Configuration, included: list[str]) -> list[str]:
    """The files whose changes are to be served without being asked for.

    `included` are those that the config would include now.
    """
    every = loaded.settings.server.reload == "watch"
    files = [
        file
        for zone in loaded.settings.zones
        if (every or zone.file is None) and (source := loaded.sources.get(origin(zone)))
        for file in source.files
    ]
    if not every:
        return files
    files += loaded.settings.file_zones.files
    folder = loaded.settings.server.zone_folder
    folders = [] if folder is None else [folder]
    return [loaded.settings.path, *included, *folders, *files]


def _included(loaded: Configuration) -> list[str]:
    """The files that the config would include now."""
    return [name for pattern in loaded.settings.include for name in glob(pattern)]


class GeoDatabaseService(Periodic):
    """Looks at the database files, and swaps in what has changed.

    A file that cannot be used is told once; what was known stays.
    """

    log = Logger()

    def __init__(self, reactor: Any, authority: Authority) -> None:
        super().__init__(
            reactor, GEO_INTERVAL, self.look, "looking at databases of places"
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
