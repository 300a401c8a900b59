"""The files behind a locator: loading them, and noticing that they changed.

Loading takes time and belongs into a thread; what it gives is swapped in afterwards.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dinamed.config.lines import Path
from dinamed.config.places import Geo
from dinamed.geo.database import Database, DatabaseError, open_database
from dinamed.geo.locator import Locator
from dinamed.geo.networks import network_table
from dinamed.geo.private import Stamp
from dinamed.geo.record import FieldPaths

Stamps = Mapping[str, Stamp | None]
"""The stamp of each path; None where there is no file."""


class Complaint(NamedTuple):
    """Something that could not be loaded: where below `[geo]`, and why."""

    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class GeoData:
    """The databases that were loaded, and the locator over them.

    `databases` are those that `locator` asks, `complaints` tell which files could
    not be used.  A file that could not be, but could before, is still there as it
    was then.
    """

    locator: Locator
    databases: tuple[Database, ...]
    complaints: tuple[Complaint, ...]


def load_geo(geo: Geo, old: GeoData | None = None) -> GeoData:
    """Load what `[geo]` names, beside what was loaded before.

    Files that did not change since then are not read again.  The settings must be
    without `problems`; paths of files are taken as they are.
    """
    paths = _paths(geo)
    ready = old.databases if old is not None else ()
    before = {one.path: one for one in ready if one.paths == paths}
    databases: list[Database] = []
    complaints: list[Complaint] = []
    for at, file in enumerate(geo.databases):
        database = before.get(file)
        if database is None or database.stamp != stamp_of(file):
            try:
                database = open_database(file, paths)
            except DatabaseError as error:
                complaints.append(Complaint(("databases", at), f"{file}: {error}"))
        if database is not None:
            databases.append(database)
    locator = Locator(network_table(geo.networks), databases)
    return GeoData(locator, tuple(databases), tuple(complaints))


def _paths(geo: Geo) -> FieldPaths:
    told = {name: getattr(geo.fields, name) for name in geo.fields.__struct_fields__}
    return {name: paths for name, paths in told.items() if paths is not None}


def stamp_of(file: str) -> Stamp | None:
    """The file's stamp now; None if there is none."""
    try:
        return Stamp.of(os.stat(file))
    except (OSError, ValueError):
        return None


def look_at(files: Iterable[str]) -> Stamps:
    """The stamps of all files now."""
    return {file: stamp_of(file) for file in files}


class FileWatch:
    """Tells from looks at the files when it is time to load them again.

    A file counts as changed once it looks the same twice in a row, so that one that
    is still being written is left alone; and only once, so that a damaged one is not
    tried again and again.  A file that is gone is no change: what it said stays.
    """

    def __init__(self, known: Stamps) -> None:
        self._known = dict(known)
        self._last: Stamps = known

    @classmethod
    def over(cls, data: GeoData) -> "FileWatch":
        """A watch that knows the files as they were when they were loaded."""
        return cls({one.path: one.stamp for one in data.databases})

    def changed(self, now: Stamps) -> bool:
        """Whether to load again, from how the files look now."""
        last, self._last = self._last, now
        fresh = {
            file: stamp
            for file, stamp in now.items()
            if stamp is not None
            and stamp == last.get(file)
            and stamp != self._known.get(file)
        }
        self._known.update(fresh)
        return bool(fresh)
