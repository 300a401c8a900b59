"""Who asks whom: each member is asked by a few of the servers, the same everywhere.

The servers rank themselves by a hash of their name and the member (highest random
weight), so a server that goes moves only what it did itself.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from msgspec.structs import replace

from dinamed.config.fleet import FleetSettings
from dinamed.config.settings import PoolSettings

MOST_VANTAGE_POINTS = 5
"""Servers that check a member, where nothing is said."""


def _score(server: str, subject: str) -> bytes:
    return blake2b(f"{server}\0{subject}".encode(), digest_size=8).digest()


def ranked(servers: Sequence[str], subject: str) -> list[str]:
    """The servers in the order in which they are to ask a subject."""
    return sorted(servers, key=lambda server: (_score(server, subject), server))


def askers(servers: Sequence[str], subject: str, count: int) -> list[str]:
    """The first `count` of them."""
    return ranked(servers, subject)[:count]


def vantage_points(regions: Mapping[str, str], subject: str, count: int) -> list[str]:
    """`count` servers that check a subject: first one of each region, then the others.

    `regions` are those of the servers, by name.
    """
    order = ranked(list(regions), subject)
    first: dict[str, str] = {}
    for server in order:
        first.setdefault(regions[server], server)
    leading = [server for server in order if first[regions[server]] == server]
    rest = [server for server in order if first[regions[server]] != server]
    return [*leading, *rest][:count]


class ServerRoster:
    """The servers among whom work is divided; it changes less than who is heard of.

    A server that has gone stays for `hold` seconds, so that one which comes back soon
    moves nothing.  Where at least half have gone at once, it is the store that fails,
    and nothing is divided anew.
    """

    def __init__(self, own: str, hold: float) -> None:
        self._own = own
        self._hold = hold
        self._servers: dict[str, str] = {own: ""}
        self._gone: dict[str, float] = {}

    @property
    def servers(self) -> Mapping[str, str]:
        """The regions of the servers, by name; one's own is always among them."""
        return self._servers

    def update(self, live: Mapping[str, str], now: float) -> bool:
        """Take who is heard of at that time (regions by name); whether this changed.

        Nobody else being heard of is no change: then one knows of nobody.
        """
        before = dict(self._servers)
        for server, region in live.items():
            self._servers[server] = region
            self._gone.pop(server, None)
        missing = [s for s in self._servers if s not in live and s != self._own]
        for server in missing:
            self._gone.setdefault(server, now)
        over = [s for s in missing if now - self._gone[s] >= self._hold]
        others = len(self._servers) - 1
        if len(live) > 1 or others - len(over) > 0 or others <= 1:
            for server in over if 2 * len(over) <= others or others <= 2 else ():
                del self._servers[server]
                del self._gone[server]
        return self._servers != before

    def alone(self) -> bool:
        """Have nobody but oneself; whether this changed."""
        changed = len(self._servers) > 1
        self._servers = {self._own: self._servers[self._own]}
        self._gone.clear()
        return changed


def work_of(
    server: str,
    regions: Mapping[str, str],
    pool: PoolSettings,
    settings: FleetSettings,
) -> tuple[PoolSettings, PoolSettings]:
    """The pool with the members that a server checks, and with those it asks for load.

    `regions` are the servers among which work is divided, with their regions.
    """
    names = list(regions)
    points = pool.voting.vantage_points or MOST_VANTAGE_POINTS
    to_check = to_ask = pool
    if "votes" in settings.share and len(names) > points:
        mine = tuple(
            member
            for member in pool.members
            if server in vantage_points(regions, f"{pool.name}/{member.name}", points)
        )
        to_check = replace(pool, members=mine)
    if "reports" in settings.share and len(names) > settings.load_askers:
        asked = tuple(
            member
            for member in pool.members
            if server
            in askers(names, f"{pool.name}/{member.name}", settings.load_askers)
        )
        to_ask = replace(pool, members=asked)
    return to_check, to_ask
