"""Building zones that are a file each, most of them small, by the thousand.

The extension builds those about whose files there is nothing to be said; all others are
built one by one, as zones with tables of their own are.
"""

import os
from collections.abc import Callable, Container, Mapping
from typing import NamedTuple

import msgspec

from dinamed.config.file_zones import FoundFiles, each_state
from dinamed.config.settings import FileZones, ZoneSettings
from dinamed.wire.names import WireName
from dinamed.zones.masterdata import native


class SmallZone(NamedTuple):
    """A zone, the state of its file, and its octets; none: it has not changed."""

    origin: WireName
    file: str
    state: bytes
    packed: bytes


class KnownSmall(msgspec.Struct, frozen=True):
    """The zones of this kind that are served, with the state of each one's file."""

    origins: tuple[bytes, ...] = ()
    files: tuple[str, ...] = ()
    states: bytes = b""

    def is_same(self) -> Callable[[WireName, str, bytes], bool]:
        """Tells of a zone, its file, and that one's state, whether it is known so."""
        known: Mapping[WireName, tuple[str, bytes]] = {
            origin: (file, state)
            for origin, file, state in zip(
                self.origins, self.files, each_state(self.states), strict=True
            )
        }
        return lambda origin, file, state: known.get(origin) == (file, state)


def build_small(
    many: FoundFiles,
    left: Container[WireName],
    is_same: Callable[[WireName, str, bytes], bool],
) -> tuple[list[SmallZone], list[ZoneSettings]]:
    """The zones that could be built here, and those to be built one by one.

    Those in `left` are not tried; what `is_same` knows is not built again.
    """
    built: list[SmallZone] = []
    rest: list[ZoneSettings] = []
    builder = None if native is None else native.SmallZoneBuilder()
    zones = zip(
        many.zones.origins, many.zones.files, each_state(many.states), strict=True
    )
    for place, (apex, file, state) in enumerate(zones):
        if builder is None or apex in left:
            rest.append(many.zones.zone(place))
            continue
        if is_same(apex, file, state):
            built.append(SmallZone(apex, file, state, b""))
        elif (made := builder.build(apex, os.fsencode(file))) is not None:
            built.append(SmallZone(apex, file, state, made))
        else:
            rest.append(many.zones.zone(place))
    return built, rest


def only(zones: FileZones, built: list[SmallZone]) -> FileZones:
    """The table of the zones that were built here."""
    return FileZones(
        common=zones.common,
        origins=tuple(zone.origin for zone in built),
        files=tuple(zone.file for zone in built),
    )
