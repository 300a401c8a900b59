"""The highest TTL of each signed zone: how long the stages of a roll take."""

from collections.abc import Collection
from typing import Any

from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.wire.names import WireName, to_text
from dinamed.zones.packed import PackedZone

WALKED_HERE = 5_000
"""Names of a zone up to which its TTLs are looked at at once;"""
MOST_WALKED = 100_000
"""and those up to which a thread looks at them."""
ASSUMED_TTL = 7 * 86400
"""The highest TTL of larger zones, in seconds."""


class HighestTtls:
    """Looks at each version of a zone once."""

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._known: dict[WireName, tuple[PackedZone, int]] = {}
        self._walking: set[WireName] = set()

    def keep(self, origins: Collection[WireName]) -> None:
        """Forget all other zones."""
        for origin in self._known.keys() - set(origins):
            del self._known[origin]

    def of(self, zone: PackedZone) -> int | None:
        """That of a zone's data, or of the version before while a thread looks at them.

        None: nothing is known yet.
        """
        known = self._known.get(zone.origin)
        if known is None or known[0] is not zone:
            if zone.names <= WALKED_HERE:
                self._known[zone.origin] = (zone, highest_ttl(zone))
            elif zone.names > MOST_WALKED:
                self._known[zone.origin] = (zone, ASSUMED_TTL)
            elif zone.origin not in self._walking:
                self._walk(zone)
            known = self._known.get(zone.origin)
        return None if known is None else known[1]

    def _walk(self, zone: PackedZone) -> None:
        def found(highest: int) -> None:
            self._known[zone.origin] = (zone, highest)

        def over(_: object) -> None:
            self._walking.discard(zone.origin)

        self._walking.add(zone.origin)
        pool = self._reactor.getThreadPool()
        walked = deferToThreadPool(self._reactor, pool, highest_ttl, zone)
        walked.addCallback(found).addErrback(self._failed, zone).addCallback(over)

    def _failed(self, failure: Failure, zone: PackedZone) -> None:
        self.log.failure(
            "the TTLs of {zone} could not be looked at",
            failure,
            zone=to_text(zone.origin),
        )


def highest_ttl(zone: PackedZone) -> int:
    """The highest TTL of a zone's data, in seconds."""
    nodes = (node for _, node in zone.nodes())
    return max((one.ttl for node in nodes for one in node.rrsets.values()), default=0)
