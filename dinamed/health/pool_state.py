"""The `pool` check: whether another pool is up."""

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed

from dinamed.config.checks import PoolCheck
from dinamed.health.results import PASSED, ProbeTarget, Result, failed, lacked

PoolLacks = Callable[[str], str | None]
"""What a pool lacks, in words; empty for one that is up, None for one there is not."""


def no_pools(name: str) -> str | None:
    """Where there are none."""
    return None


class PoolProbe:
    """Looks at the state of a pool in this very server."""

    def __init__(self, check: PoolCheck, lacks: PoolLacks) -> None:
        self._pool = check.pool
        self._lacks = lacks

    def probe(self, target: ProbeTarget) -> "Deferred[Result]":
        """Look, at once; see L{Probe.probe}."""
        lacking = self._lacks(self._pool)
        if lacking is None:
            return succeed(lacked(f"no pool {self._pool}"))
        return succeed(failed(lacking) if lacking else PASSED)
