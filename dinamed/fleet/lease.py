"""A lease at etcd, and the keys that live by it.

When it is lost a new one is made, and all keys are put again.  There is one put at a
time for a key: values that come meanwhile take the place of the one that waits.
"""

from collections import deque
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.fleet.etcd import EtcdClient, EtcdError, encoded
from dinamed.fleet.store import StoreError

RETRY = 1.0
"""Seconds until what failed is tried again."""

PAST = 8
"""Values of a key that are known again when it goes back to them."""

GONE = "lease not found"


class LeasedKeys:
    """Keys below `prefix` that go `ttl` seconds after nothing is heard of us."""

    _log = Logger()

    def __init__(self, client: EtcdClient, prefix: bytes, ttl: int) -> None:
        self._client = client
        self._prefix = prefix
        self._ttl = ttl
        self._lease = 0
        self._values: dict[str, bytes] = {}
        self._waiting: set[str] = set()
        self._past: dict[str, deque[int]] = {}
        self._busy: dict[str, Deferred[None]] = {}
        self._renewing: Deferred[None] | None = None
        self._timer: Any = None
        self._running = False
        self.why = "not begun"
        """What was last wrong; "" if nothing is."""
        self.counters = dict.fromkeys(
            ("puts", "puts_failed", "puts_repaired", "leases_lost", "octets"), 0
        )

    @property
    def connected(self) -> bool:
        """Whether there is a lease."""
        return bool(self._lease)

    def start(self) -> None:
        """Get a lease, and keep it alive."""
        self._running = True
        self._renew()

    def stop(self, leave: bool) -> Deferred[None]:
        """Put nothing any more; with `leave` have all keys go."""
        self._running = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for going in [*self._busy.values(), self._renewing]:
            if going is not None:
                going.cancel()
        lease, self._lease = self._lease, 0
        revoking: Deferred[None] = ensureDeferred(self._revoke(lease if leave else 0))
        return revoking

    def put(self, key: str, value: bytes) -> None:
        """Have the key say that."""
        self._values[key] = value
        past = self._past.setdefault(key, deque(maxlen=PAST))
        past.append(hash(value))
        self._waiting.add(key)
        self._flush(key)

    def drop(self, key: str) -> None:
        """Have the key say nothing."""
        self._past.pop(key, None)
        if self._values.pop(key, None) is not None:
            self._waiting.add(key)
            self._flush(key)

    def heard(self, key: str, value: bytes) -> None:
        """Put a key again that has gone back to an older value.

        A node of etcd that was stopped does what it was asked to when it goes on,
        though we have long asked another one, and for something newer.
        """
        mine = self._values.get(key)
        if mine is None or value == mine or key in self._waiting or key in self._busy:
            return
        if hash(value) in self._past[key]:
            self.counters["puts_repaired"] += 1
            self._waiting.add(key)
            self._flush(key)

    def _flush(self, key: str) -> None:
        if not self._lease or not self._running or key in self._busy:
            return
        self._busy[key] = going = ensureDeferred(self._put(key))
        going.addErrback(self._failed)

    async def _put(self, key: str) -> None:
        lease, full = self._lease, encoded(self._prefix + key.encode())
        try:
            while key in self._waiting and self._running:
                self._waiting.discard(key)
                value = self._values.get(key)
                if value is None:
                    await self._client.call("/v3/kv/deleterange", {"key": full})
                    continue
                body = {"key": full, "value": encoded(value), "lease": str(lease)}
                await self._client.call("/v3/kv/put", body)
                self.counters["puts"] += 1
                self.counters["octets"] += len(value)
        except StoreError as error:
            self._waiting.add(key)
            self.counters["puts_failed"] += 1
            if GONE in str(error) and lease == self._lease:
                self._lost()
        finally:
            self._busy.pop(key, None)

    def _renew(self) -> None:
        self._timer = None
        if self._running and self._renewing is None:
            self._renewing = going = ensureDeferred(self._keep())
            going.addErrback(self._failed)

    async def _keep(self) -> None:
        """Get the lease, or keep it alive; then see to what waits."""
        wait = self._ttl / 3
        try:
            if not self._lease:
                await self._grant()
            elif not await self._alive():
                self._lost()
                wait = 0.0
            self.why = ""
        except StoreError as error:
            self.why = str(error)
            wait = min(RETRY, wait)
            if GONE in str(error):
                self._lost()
        finally:
            self._renewing = None
        if self._running:
            if self._timer is None:
                self._timer = self._client.reactor.callLater(wait, self._renew)
            for key in tuple(self._waiting):
                self._flush(key)

    async def _grant(self) -> None:
        told = await self._client.call("/v3/lease/grant", {"TTL": str(self._ttl)})
        try:
            self._lease = int(told["ID"])
        except (KeyError, ValueError, TypeError):
            raise EtcdError(2, "a lease without ID") from None
        self._waiting.update(self._values)

    async def _alive(self) -> bool:
        body = {"ID": str(self._lease)}
        told = await self._client.call("/v3/lease/keepalive", body)
        result = told.get("result")
        # No TTL at all means that the lease is not known any more.
        left = result.get("TTL", 0) if isinstance(result, dict) else 0
        return str(left).isdecimal() and int(left) > 0

    def _lost(self) -> None:
        self._lease = 0
        self.counters["leases_lost"] += 1
        if self._timer is not None and self._timer.active():
            self._timer.reset(0.0)

    async def _revoke(self, lease: int) -> None:
        if not lease:
            return
        # Else it lapses by itself.
        with suppress(StoreError):
            await self._client.call("/v3/lease/revoke", {"ID": str(lease)})

    def _failed(self, failure: Failure) -> None:
        if self._running:
            self._log.failure("keeping a lease", failure)
