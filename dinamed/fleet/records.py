"""What servers say to each other: the values under their keys, and how they are packed.

A value is msgpack, by zlib where that makes it shorter.  Fields that are not known are
passed over, so later versions may add some; what can no longer be read by an older
version has another `v`.  Times are Unix times by the sender's clock, of which the
reader knows how far it is ahead, or seconds passed or left at its `now`.
"""

import zlib
from math import isfinite
from typing import Any, Generic, TypeVar

import msgspec

from dinamed.pools.shared import SharedHandOuts
from dinamed.pools.states import Order

FORMAT = 1
"""The format that this version writes."""

MOST_OCTETS = 8 << 20
"""Octets of a value, unpacked."""

LARGE = 512
"""Octets from which a value is compressed."""

MOST_AMOUNT = 1e18
"""More than any load, rate or number of seconds can be."""

MOST_TOTAL = 2**62


class BadRecordError(ValueError):
    """A value that can't be used; the message says why, in plain words."""


class UnknownFormatError(BadRecordError):
    """A value in a format that this version does not read."""


class FleetRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all values have: their format, and the sender's Unix time."""

    v: int = FORMAT
    now: float = 0.0


class LiveRecord(FleetRecord, frozen=True, kw_only=True):
    """A server is there.

    `boot` is another number after each start, which was at `started`; `formats` are
    those that it reads; `sequence` goes up with each publication, every `interval`
    seconds; `seen` is the last revision of the store that it has taken in.
    """

    boot: int = 0
    started: float = 0.0
    version: str = ""
    formats: tuple[int, ...] = (FORMAT,)
    region: str = ""
    sequence: int = 0
    interval: float = 5.0
    seen: int = 0


class SharedReport(msgspec.Struct, frozen=True, array_like=True):
    """A member's report of the time `at`; see `dinamed.pools.report.Report`."""

    load: float
    at: float
    source: str = ""
    capacity: float | None = None
    increment: float | None = None
    out: bool = False


class Reports(FleetRecord, frozen=True, kw_only=True):
    """Reports that this server was given itself, by pool and member."""

    pools: dict[str, dict[str, SharedReport]] = {}


class Vote(msgspec.Struct, frozen=True, array_like=True):
    """What a server's own checks say of a member, since the time `since`."""

    up: bool
    since: float
    reason: str = ""


class Votes(FleetRecord, frozen=True, kw_only=True):
    """A server's votes, by pool and member.

    One that is `isolated` sees more than half of all down and so abstains.
    """

    isolated: bool = False
    pools: dict[str, dict[str, Vote]] = {}


class HandOuts(FleetRecord, frozen=True, kw_only=True):
    """A server's hand-outs, by pool: those pools of which something has changed."""

    boot: int = 0
    pools: dict[str, SharedHandOuts] = {}


class SharedRoundTrips(FleetRecord, frozen=True, kw_only=True):
    """Round trips by pool, member and client network.

    Of each there is a cell as `dinamed.steering.recent` makes it.
    """

    pools: dict[str, dict[str, dict[bytes, bytes]]] = {}


class MemberTables(FleetRecord, frozen=True, kw_only=True):
    """The members of a pool that were set over HTTP: a JSON list of their tables."""

    tables: bytes = b"[]"


class Digests(FleetRecord, frozen=True, kw_only=True):
    """Digests of what should be the same everywhere, by name."""

    digests: dict[str, str] = {}


class SharedOrder(FleetRecord, frozen=True, kw_only=True):
    """An order to a member of a pool, given to server `where` at the time `now`.

    That and `until` are Unix times.  It is of a state, or of a `weight`.
    """

    order: Order = Order.AUTO
    until: float | None = None
    by: str = ""
    reason: str = ""
    where: str = ""
    weight: float | None = None


class CookieSecrets(FleetRecord, frozen=True, kw_only=True):
    """The secrets of cookies as hexadecimal digits, the one that makes them first.

    `since` is the Unix time from which on it is so, 0 if nobody has said; a second one
    is the next, or after the `turned` the one before.
    """

    secrets: tuple[str, ...] = ()
    since: float = 0.0
    turned: bool = False


Some = TypeVar("Some", bound=FleetRecord)


class Codec(Generic[Some]):
    """Packs and reads values of one type."""

    def __init__(self, kind: type[Some]) -> None:
        self._decoder = msgspec.msgpack.Decoder(kind)

    def pack(self, value: Some) -> bytes:
        """A value as octets."""
        data = msgspec.msgpack.encode(value)
        if len(data) < LARGE:
            return data
        return min(data, zlib.compress(data, 1), key=len)

    def read(self, data: bytes) -> Some:
        """The value that octets stand for.

        @raise UnknownFormatError: it is of a later version.
        @raise BadRecordError: it is no such value, or has numbers that can't be.
        """
        data = _inflated(data)
        try:
            version = msgspec.msgpack.decode(data, type=_Version).v
            if version != FORMAT:
                raise UnknownFormatError(f"format {version} is not known")
            value = self._decoder.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise BadRecordError(f"not readable: {error}") from None
        _look(value)
        return value


class _Version(msgspec.Struct):
    v: int = FORMAT


def _inflated(data: bytes) -> bytes:
    if len(data) > MOST_OCTETS:
        raise BadRecordError(f"too large: {len(data)} octets")
    if data[:1] != b"\x78":
        return data
    try:
        unpacker = zlib.decompressobj()
        found = unpacker.decompress(data, MOST_OCTETS)
    except zlib.error as error:
        raise BadRecordError(f"not readable: {error}") from None
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise BadRecordError("too large, or cut off")
    return found


def _look(value: Any) -> None:
    """Refuse numbers that can't be.

    @raise BadRecordError: there is one.
    """
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, float):
            if not isfinite(one) or not -1.0 <= one <= MOST_AMOUNT:
                raise BadRecordError(f"a number that can't be: {one:g}")
        elif isinstance(one, int):
            if not 0 <= one <= 2**64:
                raise BadRecordError(f"a number that can't be: {one}")
        elif isinstance(one, msgspec.Struct):
            pending += [getattr(one, name) for name in one.__struct_fields__]
        elif isinstance(one, dict):
            pending += one.values()
        elif isinstance(one, tuple):
            pending += one
