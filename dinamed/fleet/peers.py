"""Who is there: what each server last said of itself, and how far clocks are apart."""

from collections import deque
from dataclasses import dataclass, field

from dinamed.fleet.records import LiveRecord

SAMPLES = 60
"""Values of a server from which the difference of clocks is taken."""

MISSED = 3.0
"""Intervals after which a server that has said nothing is not live any more."""

FORGOTTEN = 86400.0
"""Seconds after which a server that has said nothing is forgotten."""

MOST_PEERS = 256
"""Servers that are known at most."""


@dataclass(slots=True)
class PeerServer:
    """One server, as it was last heard of.

    `heard` is when, on our steady clock; `lag` how many seconds its last value took
    beyond the fastest one; `clock_offset` how many seconds its clock is ahead of ours.
    """

    live: LiveRecord
    heard: float
    lag: float = 0.0
    differences: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    @property
    def clock_offset(self) -> float:
        """How far its clock is ahead, by the value that came the fastest."""
        return -min(self.differences, default=0.0)

    def age(self, said: float, wall: float) -> float:
        """How many seconds ago it said what it said at that time of its clock."""
        return max(0.0, wall - said + self.clock_offset)

    def is_live(self, now: float) -> bool:
        """Whether it has been heard of for the last intervals."""
        return now - self.heard <= MISSED * self.live.interval + 1.0


class Peers:
    """The other servers, by name."""

    def __init__(self) -> None:
        self._peers: dict[str, PeerServer] = {}

    def __contains__(self, server: str) -> bool:
        return server in self._peers

    def get(self, server: str) -> PeerServer | None:
        """That server, if it was ever heard of."""
        return self._peers.get(server)

    def names(self) -> list[str]:
        """All that are known, sorted."""
        return sorted(self._peers)

    def hear(self, server: str, live: LiveRecord, now: float, wall: float) -> bool:
        """Take what a server says of itself; whether it is a new one or starts anew.

        `now` is our steady clock, `wall` Unix time.
        """
        peer = self._peers.get(server)
        fresh = peer is None or peer.live.boot != live.boot
        if peer is None:
            if len(self._peers) >= MOST_PEERS:
                return False
            peer = self._peers[server] = PeerServer(live, now)
        if fresh:
            peer.differences.clear()
        difference = wall - live.now
        peer.differences.append(difference)
        peer.lag = difference - min(peer.differences)
        peer.live, peer.heard = live, now
        return fresh

    def live(self, now: float) -> list[str]:
        """Those that have been heard of lately, sorted."""
        return [name for name in self.names() if self._peers[name].is_live(now)]

    def forget(self, server: str) -> None:
        """Know nothing of a server any more, until it speaks again."""
        self._peers.pop(server, None)

    def expire(self, now: float) -> None:
        """Forget those of whom nothing was heard for a day."""
        for name in self.names():
            if now - self._peers[name].heard > FORGOTTEN:
                del self._peers[name]
