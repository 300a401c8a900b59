"""The plane's part of the query log: its answers are read and written without Python.

What pools, members and places are called is asked for once, and told until it changes.
"""

import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import NamedTuple, Protocol

import dns.rdatatype
import msgspec

from dinamed import __version__
from dinamed.plane.extension import native
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.pool import PoolView
from dinamed.querylog.dnstap import head
from dinamed.querylog.exchange_reader import Exchange, ExchangeReader, hosts_of
from dinamed.querylog.lines import place_fields, select_fields
from dinamed.transfers.incoming import rcode_text
from dinamed.wire.names import to_text

TYPES = (*range(512), 32768, 32769)
"""Types that may have names; others are `TYPE` and their number."""
RCODES = 32


class Outcome(Enum):
    """What `PlaneLog.write` ended with."""

    DONE = auto()
    EXCHANGE = auto()
    """One that is to be read by Python."""
    FAILED = auto()
    """An outlet could not be written."""


class Written(NamedTuple):
    """An outcome, with the exchange, or the number of the outlet and its error."""

    outcome: Outcome
    exchange: Exchange | None = None
    outlet: int = 0
    error: int = 0


class WritesOfPlane(Protocol):
    """The plane's part of a log, as the thread of the log uses it."""

    @property
    def written(self) -> int:
        """Exchanges that were written."""

    @property
    def dropped(self) -> int:
        """Exchanges that came too fast, or could not be written somewhere."""

    def write(self, descriptors: Sequence[int | None], seconds: float) -> Written:
        """Write for some seconds, or until an outcome needs care."""


class PlaneLog:
    """Writes what the plane has noted, in the thread of the query log.

    `plane` must be serving.
    """

    def __init__(self, plane: "native.Plane", snapshot: Callable[[], Snapshot]) -> None:
        self._writer = native.LogWriter(plane, octet_texts(), type_texts(), rcodes())
        self._snapshot = snapshot
        self._reader: ExchangeReader | None = None
        self._pools: list[str] = []
        self._texts: dict[str, tuple[PoolView | None, native.PoolText]] = {}
        self._dropped = self._writer.dropped

    @property
    def written(self) -> int:
        """Exchanges that were written."""
        return self._writer.written

    @property
    def dropped(self) -> int:
        """Exchanges that came too fast, or could not be written somewhere."""
        return self._writer.dropped - self._dropped

    def write(self, descriptors: Sequence[int | None], seconds: float) -> Written:
        """Write for some seconds, or until an outcome needs care.

        `descriptors` are of lines, frames, and more frames, -1 where none are wanted
        and None where they are, but cannot be written now.  Blocks.
        """
        if self._reader is None or self._reader.snapshot is not self._snapshot():
            self._bind()
        lines, frames, more_frames = (
            native.LOG_UNREACHABLE if one is None else one for one in descriptors
        )
        while True:
            said = self._writer.run(lines, frames, more_frames, seconds)
            match said:
                case (native.LOG_STALE, _):
                    self._bind()
                case (native.LOG_POOL, int(number)):
                    self._writer.tell_pool(number, self._pool_text(self._pools[number]))
                case (native.LOG_PLACE, (bytes(address), int(prefix))):
                    self._writer.tell_place(self._place_text(address, prefix))
                case (native.LOG_PYTHON, tuple(note)):
                    return Written(Outcome.EXCHANGE, Exchange(*note))
                case (native.LOG_FAILED, (int(outlet), int(error))):
                    return Written(Outcome.FAILED, None, outlet, error)
                case _:
                    return Written(Outcome.DONE)

    def _bind(self) -> None:
        """Read by what is served now; what has not changed is not asked for again."""
        snapshot = self._snapshot()
        if self._reader is None or self._reader.snapshot is not snapshot:
            self._reader = ExchangeReader(snapshot)
        tables = self._writer.tables
        self._pools = tables.pool_names
        texts: list[native.PoolText | None] = []
        kept = {}
        for name in self._pools:
            known = self._texts.get(name)
            if known is not None and known[0] is snapshot.pools.get(name):
                kept[name] = known
                texts.append(known[1])
            else:
                texts.append(None)
        self._texts = kept
        self._writer.bind(
            tables,
            texts,
            head(snapshot.identity, __version__),
            not snapshot.locator.empty,
        )

    def _pool_text(self, name: str) -> "native.PoolText":
        assert self._reader is not None
        view = self._reader.snapshot.pools.get(name)
        told = {} if view is None else select_fields(view)
        hosts: dict[str, list[bytes]] = {}
        for member in () if view is None else hosts_of(view):
            hosts.setdefault(member.name, []).extend(member.addresses(0))
        text = native.PoolText(
            name.encode(),
            b',"pool":' + msgspec.json.encode(name) + b',"members":[',
            b"]" + _more(told),
            [
                (member.encode(), msgspec.json.encode(member), addresses)
                for member, addresses in hosts.items()
            ],
        )
        self._texts[name] = view, text
        return text

    def _place_text(self, address: bytes, prefix: int) -> bytes:
        assert self._reader is not None
        return _more(place_fields(self._reader.locate(address, prefix)))


def _more(fields: dict[str, object]) -> bytes:
    """Fields of an object in JSON, behind others."""
    return b"," + msgspec.json.encode(fields)[1:-1] if fields else b""


def octet_texts() -> list[bytes]:
    """How each octet of a label stands in a string of JSON."""
    return [
        msgspec.json.encode(to_text(bytes((1, octet, 0)))[:-1])[1:-1]
        for octet in range(256)
    ]


def type_texts() -> dict[int, bytes]:
    """The names of types that have one."""
    texts = {number: dns.rdatatype.to_text(number) for number in TYPES}
    return {
        number: text.encode()
        for number, text in texts.items()
        if not re.fullmatch(r"TYPE\d+", text)
    }


def rcodes() -> dict[int, bytes]:
    """The names of response codes."""
    return {number: rcode_text(number).encode() for number in range(RCODES)}
