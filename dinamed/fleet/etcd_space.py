"""How much room etcd has: the size of its database, the quota, and its alarms.

At the quota etcd takes nothing any more, until an operator has it compacted and
defragmented.  So people are to be told of that before.
"""

import re
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from dinamed.fleet.etcd import EtcdClient
from dinamed.fleet.store import StoreError

INTERVAL = 30.0
"""Seconds between two looks."""

_QUOTA = re.compile(rb"^etcd_server_quota_backend_bytes (\S+)$", re.MULTILINE)
_ALARM = re.compile(r"alarm:(\w+)")


class EtcdSpace:
    """What the node in use says of its database, as of the last look.

    `sizes` are octets: `size` of the file, `used` of it, and the `quota` where it is
    known; `facts` are the version, and alarms if there are any.
    """

    def __init__(self, client: EtcdClient) -> None:
        self._client = client
        self._timer: Any = None
        self._looking: Deferred[None] | None = None
        self._running = False
        self.sizes: dict[str, int] = {}
        self.facts: dict[str, str] = {}

    def start(self) -> None:
        """Look now, and from time to time."""
        self._running = True
        self._look()

    def stop(self) -> None:
        """Look no more."""
        self._running = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._looking is not None:
            self._looking.cancel()

    def _look(self) -> None:
        self._timer = None
        self._looking = looking = ensureDeferred(self._ask())
        looking.addErrback(lambda failure: failure.trap(StoreError))
        looking.addBoth(self._later)

    def _later(self, _: object) -> None:
        self._looking = None
        if self._running:
            self._timer = self._client.reactor.callLater(INTERVAL, self._look)

    async def _ask(self) -> None:
        """Ask a node; what it does not say is not known."""
        told = await self._client.call("/v3/maintenance/status", {})
        sizes = {
            "size": _number(told.get("dbSize")),
            "used": _number(told.get("dbSizeInUse")),
            "quota": _number(told.get("dbSizeQuota")),
        }
        if not sizes["quota"]:
            # Only etcd 3.6 says so in its status.
            found = _QUOTA.search(await self._client.text("/metrics"))
            sizes["quota"] = _number(found[1]) if found else 0
        self.sizes = {name: size for name, size in sizes.items() if size}
        self.facts = {"version": str(told.get("version", "?"))[:20]}
        errors = told.get("errors")
        if isinstance(errors, list) and errors:
            alarms = {alarm for one in errors for alarm in _ALARM.findall(str(one))}
            self.facts["alarm"] = " ".join(sorted(alarms)) or str(errors[0])[:80]


def _number(text: object) -> int:
    """The number in a text of etcd, 0 if there is none."""
    try:
        return max(0, int(float(text)))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0
