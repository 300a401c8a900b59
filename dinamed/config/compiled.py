"""A config and its zones, read completely, in a form that crosses processes.

A reload reads everything in a child process, so that the server does not pause: the
settings come back as MessagePack, the packed zones in a file that the server maps.
Zones whose files and names are as they were are not read again.

Run as `python -m dinamed.config.compiled PATH DESCRIPTOR` this is that child: it reads
what is known of the zones from standard input, writes the packed zones to the file
descriptor of that number, and the `Compiled` to standard output.
"""

import gc
import hashlib
import os
import signal
import sys
import time
from array import array
from collections.abc import Callable, Mapping, Sequence

import msgspec

from dinamed.config.check import ZoneFacts, load_all
from dinamed.config.file_zones import STATE, UNREADABLE
from dinamed.config.settings import Settings, ZoneSettings
from dinamed.config.small_zones import KnownSmall, SmallZone
from dinamed.config.zone_rules import bindings, origin
from dinamed.problems import Problem
from dinamed.wire.names import WireName

PAGE = 4096
LARGE = 1 << 16
"""Octets of a packed zone from on which it has pages of its own."""
ALIGNED = 8
FRESH = 100_000_000
"""Nanoseconds by which the time of a file's last change may lag behind the clock."""


class ZoneSource(msgspec.Struct, frozen=True):
    """What a packed zone was made from."""

    files: tuple[str, ...]
    fingerprint: bytes
    facts: ZoneFacts = ZoneFacts()


class CompiledZone(msgspec.Struct, frozen=True):
    """One zone, and where its packed octets stand; `size` 0: it has not changed."""

    origin: WireName
    source: ZoneSource
    start: int
    size: int


class SmallZonePlaces(msgspec.Struct, frozen=True):
    """Where the packed octets of the settings' `file_zones` stand, in their order.

    Native arrays: of 64 bits where each begins, of 32 bits how large it is (0: it has
    not changed), and the state of each file (zeros: it may have changed meanwhile).
    """

    starts: bytes = b""
    sizes: bytes = b""
    states: bytes = b""


class Compiled(msgspec.Struct, frozen=True):
    """The result of reading everything; `settings` is None if anything is wrong."""

    settings: Settings | None
    problems: tuple[Problem, ...]
    zones: tuple[CompiledZone, ...] = ()
    warnings: tuple[Problem, ...] = ()
    small: SmallZonePlaces = SmallZonePlaces()


KnownZones = dict[bytes, ZoneSource]


class ServedZones(msgspec.Struct, frozen=True):
    """What is known of the zones that are served."""

    zones: KnownZones = {}
    small: KnownSmall = KnownSmall()


def fingerprint(
    files: tuple[str, ...],
    names: Mapping[bytes, str],
    below: Sequence[WireName],
    before: int | None = None,
) -> bytes:
    """Tells whether a zone is as it was: its files, names of pools, zones below it.

    Empty if a file has changed since `before` (nanoseconds of Unix time), or just
    then: it may have been read as it was, and is now another.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        try:
            stat = os.stat(path)
            if before is not None and stat.st_ctime_ns > before - FRESH:
                return b""
            # Unlike the time of modification, that of change cannot be set.
            state = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_ctime_ns)
        except OSError:
            state = (0, 0, 0, 0)
        digest.update(repr((path, state)).encode())
    digest.update(repr((sorted(names.items()), tuple(below))).encode())
    return digest.digest()


def can_be_kept(zone: ZoneSettings) -> bool:
    """Whether all that comes of the zone is packed.

    Other programs' files tell of pools too, and targets and aliases go by the names
    in the file: such zones are read each time.
    """
    return zone.file is not None and not zone.targets and not zone.aliases


def compile_all(
    path: str,
    known: KnownZones,
    write: Callable[[bytes | bytearray], object],
    known_small: KnownSmall = KnownSmall(),  # noqa: B008
) -> Compiled:
    """Read the config at `path` with all zones that differ from the `known` ones.

    Packed zones go through `write`, large ones filled up to whole pages.
    """
    began = time.time_ns()
    same: dict[WireName, ZoneSource] = {}
    lower: dict[WireName, Sequence[WireName]] = {}

    def unchanged(
        apex: WireName, zone: ZoneSettings, below: Sequence[WireName]
    ) -> ZoneFacts | None:
        lower[apex] = below
        source = known.get(apex)
        if source is None or zone.file != source.files[0] or not can_be_kept(zone):
            return None
        if fingerprint(source.files, bindings(zone), below) != source.fingerprint:
            return None
        same[apex] = source
        return source.facts

    everything = load_all(path, unchanged, known_small, known)
    if everything.settings is None:
        return Compiled(None, tuple(everything.problems))
    names = {origin(zone): bindings(zone) for zone in everything.settings.zones}
    kept = {origin(zone) for zone in everything.settings.zones if can_be_kept(zone)}
    zones = [CompiledZone(apex, source, 0, 0) for apex, source in same.items()]
    small, position = _write_small(everything.small, write, began)
    for apex, built in everything.zones.items():
        stamp = b""
        if apex in kept:
            stamp = fingerprint(built.files, names[apex], lower[apex], began)
        source = ZoneSource(built.files, stamp, everything.facts[apex])
        size = len(built.packed)
        zones.append(CompiledZone(apex, source, position, size))
        filled = -size % (PAGE if size >= LARGE else ALIGNED)
        write(built.packed)
        write(bytes(filled))
        position += size + filled
    return Compiled(everything.settings, (), tuple(zones), everything.warnings, small)


def _write_small(
    zones: Sequence[SmallZone],
    write: Callable[[bytes | bytearray], object],
    began: int,
) -> tuple[SmallZonePlaces, int]:
    """Write small zones one behind the other; the octets that were written too."""
    starts, sizes, states = array("Q"), array("I"), []
    run = bytearray()
    for zone in zones:
        starts.append(len(run))
        sizes.append(len(zone.packed))
        if zone.packed:
            run += zone.packed
            run += bytes(-len(run) % ALIGNED)
        fresh = STATE.unpack(zone.state)[3] > began - FRESH
        states.append(UNREADABLE if fresh else zone.state)
    run += bytes(-len(run) % PAGE)
    write(run)
    places = SmallZonePlaces(starts.tobytes(), sizes.tobytes(), b"".join(states))
    return places, len(run)


def main() -> None:
    """The child process."""
    # A second reload may be ordered while this one is on its way.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # What is read stays to the end, and has no cycles to look for.
    gc.disable()
    known = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=ServedZones)
    with open(int(sys.argv[2]), "wb", closefd=False) as output:
        compiled = compile_all(sys.argv[1], known.zones, output.write, known.small)
    sys.stdout.buffer.write(msgspec.msgpack.encode(compiled))


if __name__ == "__main__":
    main()
