"""What there is to see of the fleet."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from dinamed.fleet.peers import Peers


class FleetServer(msgspec.Struct, frozen=True, kw_only=True):
    """One server, as this one knows it.

    `lag` is how many seconds its values take beyond the fastest one, and for this
    server itself until its own value has come back; `clock_offset` how many seconds its
    clock is ahead; `heard` how many seconds ago it was heard of.  `seen` is the
    revision of the store that it knows, `pools_differ` the pools that its config says
    otherwise, `keys_differ` the zones that it signs with other keys.
    """

    server: str
    region: str
    self: bool
    live: bool
    lag: float | None
    clock_offset: float
    heard: float | None
    seen: int
    interval: float
    version: str
    format: int
    boot: str
    pools_differ: tuple[str, ...] = ()
    keys_differ: tuple[str, ...] = ()


class FleetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How it goes with the fleet; this server comes first.

    `mode` is `together` or `alone`, since the Unix time `since`, and `why` says why.
    `sizes` are octets of the store's database: `size`, `used`, and the `quota`.
    `waiting` are orders that the store does not know of yet, `conflicts` those that
    others have overruled: when, and which.
    """

    mode: str
    since: float
    why: str
    servers: tuple[FleetServer, ...]
    name: str = ""
    revision: int = 0
    store: dict[str, str] = {}
    sizes: dict[str, int] = {}
    counters: dict[str, int] = {}
    waiting: int = 0
    isolated: bool = False
    conflicts: tuple[tuple[float, str], ...] = ()


class OrderOutcome(NamedTuple):
    """What became of an order to the fleet.

    `revision` is None while the store can't be had; `seen` of `servers` live ones
    follow it by now.
    """

    revision: int | None
    seen: int
    servers: int


class Mode:
    """Whether this server is together with others or alone, and since when."""

    def __init__(self, why: str, now: float) -> None:
        self.together = False
        self.why = why
        self.since = now
        self.alone_before = 0.0

    @property
    def name(self) -> str:
        """In one word."""
        return "together" if self.together else "alone"

    def set(self, together: bool, why: str, now: float) -> bool:
        """Go over to a mode; whether it is another one than before."""
        changed = together != self.together
        if changed:
            if not self.together:
                self.alone_before += now - self.since
            self.together, self.since = together, now
        self.why = why
        return changed

    def alone_seconds(self, now: float) -> float:
        """Seconds spent alone since the start."""
        return self.alone_before + (0.0 if self.together else now - self.since)


def told(peers: Peers, now: float) -> Iterator[FleetServer]:
    """The other servers, as they are at that time of the steady clock."""
    for name in peers.names():
        peer = peers.get(name)
        if peer is None:
            continue
        yield FleetServer(
            server=name,
            region=peer.live.region,
            self=False,
            live=peer.is_live(now),
            lag=peer.lag,
            clock_offset=peer.clock_offset,
            heard=now - peer.heard,
            seen=peer.live.seen,
            interval=peer.live.interval,
            version=peer.live.version,
            format=peer.live.v,
            boot=f"{peer.live.boot:016x}",
        )
