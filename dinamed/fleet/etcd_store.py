"""etcd v3 as the store of a fleet."""

import random
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.web.client import Agent, HTTPConnectionPool, _HTTP11ClientFactory

from dinamed.fleet.etcd import EtcdClient, decoded, encoded
from dinamed.fleet.etcd_space import EtcdSpace
from dinamed.fleet.lease import LeasedKeys
from dinamed.fleet.prefix_watch import PrefixWatch
from dinamed.fleet.store import Change, Listener, StaleError, StoreError, StoreStatus

PATIENCE = 3.0
"""Seconds that one request may take."""

PARTING = 0.5
"""Seconds that the last request may take."""

Connections = HTTPConnectionPool

CONNECTIONS = 4
"""Connections to an endpoint that are kept; a watch has one of its own."""


class EtcdStore:
    """A fleet's keys below `/dinamed/NAME/`."""

    def __init__(
        self,
        client: EtcdClient,
        connections: Connections,
        name: str,
        lease: int,
        interval: float,
        rng: random.Random,
    ) -> None:
        self._client = client
        self._connections = connections
        self._prefix = f"/dinamed/{name}/".encode()
        self._keys = LeasedKeys(client, self._prefix, lease)
        self._space = EtcdSpace(client)
        self._interval = interval
        self._rng = rng
        self._watch: PrefixWatch | None = None

    def start(self, listener: Listener) -> None:
        """Begin; the listener is first told of all there is."""
        silence = 3 * self._interval

        def hear(changes: Sequence[Change], revision: int) -> None:
            for key, value, _ in changes:
                if value is not None:
                    self._keys.heard(key, value)
            listener(changes, revision)

        self._watch = PrefixWatch(self._client, self._prefix, hear, silence, self._rng)
        self._keys.start()
        self._watch.start()
        self._space.start()

    def stop(self, leave: bool) -> Deferred[None]:
        """End; with `leave` one's own keys go at once.  Takes a second at most."""
        if self._watch is not None:
            self._watch.stop()
            self._space.stop()
        parted: Deferred[None] = Deferred()

        def part(_: object = None) -> None:
            """Wait no longer, whatever still goes on."""
            if not parted.called:
                self._client.close()
                # That of the answer which has led here is kept only after this turn.
                self._client.reactor.callLater(0, self._disconnect)
                parted.callback(None)

        patience = self._client.reactor.callLater(PARTING, part)
        parted.addCallback(lambda _: patience.cancel() if patience.active() else None)
        self._keys.stop(leave).addBoth(part)
        return parted

    def _disconnect(self) -> None:
        closing = self._connections.closeCachedConnections()
        closing.addErrback(lambda _: None)

    def publish(self, key: str, value: bytes) -> None:
        """Have an owned key say that, as soon as it can be; the newest value wins."""
        self._keys.put(key, value)

    def withdraw(self, key: str) -> None:
        """Have an owned key say nothing."""
        self._keys.drop(key)

    def give(self, key: str, value: bytes | None, based_on: int) -> Deferred[int]:
        """Change a shared key that is at that revision; the new one."""
        return ensureDeferred(self._give(key, value, based_on))

    async def _give(self, key: str, value: bytes | None, based_on: int) -> int:
        full = encoded(self._prefix + key.encode())
        change: dict[str, Any] = {"request_delete_range": {"key": full}}
        if value is not None:
            change = {"request_put": {"key": full, "value": encoded(value)}}
        compare = {"key": full, "target": "MOD", "mod_revision": str(based_on)}
        body = {
            "compare": [compare],
            "success": [change],
            "failure": [{"request_range": {"key": full}}],
        }
        told = await self._client.call("/v3/kv/txn", body)
        try:
            if told.get("succeeded"):
                return int(told["header"]["revision"])
            kvs = told["responses"][0]["response_range"].get("kvs", ())
            found = [(int(kv["mod_revision"]), kv.get("value", "")) for kv in kvs]
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise StoreError(f"etcd: not readable: {error!r}") from None
        if not found:
            raise StaleError(0, None)
        revision, present = found[0]
        # After a failure the same may have been done by the try before.
        if value is not None and decoded(present) == value:
            return revision
        raise StaleError(revision, decoded(present))

    def status(self) -> StoreStatus:
        """How it goes."""
        counters = {**self._client.counters, **self._keys.counters}
        why, revision, connected = self._keys.why, 0, self._keys.connected
        if self._watch is not None:
            heard = self._watch.counters
            counters.update({f"watch_{name}": n for name, n in heard.items()})
            why = why or self._watch.why
            revision = self._watch.revision
        facts = {"engine": "etcd", "endpoint": self._client.endpoint}
        facts |= self._space.facts
        connected = connected and not why
        return StoreStatus(connected, why, revision, counters, facts, self._space.sizes)


class _QuietFactory(_HTTP11ClientFactory):
    """Makes connections without a word in the log for each."""

    noisy = False


class _QuietPool(HTTPConnectionPool):
    """Connections that are kept, without a word in the log for each.

    Once they are closed none is kept: that of a request under way ends with it.
    """

    _factory = _QuietFactory
    _closed = False

    def closeCachedConnections(self) -> Deferred[None]:
        """Close them, and keep no more."""
        self._closed = True
        closing: Deferred[None] = super().closeCachedConnections()  # type: ignore[no-untyped-call]
        return closing

    def _putConnection(self, key: Any, connection: Any) -> None:
        if self._closed:
            connection.transport.loseConnection()
        else:
            super()._putConnection(key, connection)  # type: ignore[no-untyped-call]


def connections_of(reactor: Any) -> HTTPConnectionPool:
    """Connections that are kept, over which nothing is asked twice by itself."""
    pool: HTTPConnectionPool = _QuietPool(reactor)  # type: ignore[no-untyped-call]
    pool.maxPersistentPerHost = CONNECTIONS
    pool.retryAutomatically = False
    return pool


def agent_of(reactor: Any, pool: Connections, policy: Any = None) -> Agent:
    """An agent that uses these connections."""
    if policy is None:
        return Agent(reactor, connectTimeout=PATIENCE, pool=pool)
    return Agent(reactor, policy, connectTimeout=PATIENCE, pool=pool)
