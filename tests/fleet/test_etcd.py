"""Tests of the store on etcd itself: three nodes, killed, stopped, wiped."""

import os
import random
import signal
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, inlineCallbacks
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from twisted.web.client import HTTPConnectionPool

from dinamed.fleet.etcd import EtcdClient, encoded
from dinamed.fleet.etcd_store import EtcdStore, agent_of, connections_of
from dinamed.fleet.store import Change, StaleError, StoreError
from tests.fleet.etcd_nodes import NODES, EtcdNodes

STEP = 0.05
PATIENCE = 60.0
INTERVAL = 5.0
"""Seconds after which a server says what it has to say anew."""
"""Seconds for one thing to come about, on a busy machine."""


class Listening:
    """What a store has told."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.gone: list[str] = []

    def __call__(self, changes: Sequence[Change], revision: int) -> None:
        """Take changes."""
        for key, value, _ in changes:
            if value is None:
                self.values.pop(key, None)
                self.gone.append(key)
            else:
                self.values[key] = value


class EtcdCase(TestCase):
    """Servers on one cluster."""

    timeout = 180

    def setUp(self) -> None:
        folder = self.mktemp()
        os.makedirs(folder)
        self.cluster = EtcdNodes(folder)
        self.addCleanup(self.cluster.kill_all)
        self.cluster.start_all()
        self.stores: list[EtcdStore] = []
        self.addCleanup(self.stop_all)

    def stop_all(self) -> Any:
        """Stop all stores that run."""
        for store in self.stores:
            store.stop(False)
        # What the agent has still open is closed soon.
        return deferLater(reactor, 0.2)

    def store(
        self, name: str, login: tuple[str, str] | None = None
    ) -> tuple[EtcdStore, Listening]:
        """The store of one server."""
        pool = connections_of(reactor)
        agent = agent_of(reactor, pool)
        client = EtcdClient(
            reactor, agent, self.cluster.endpoints, random.Random(3), login, 2.0
        )
        made = EtcdStore(client, pool, "test", 10, 1.0, random.Random(4))
        heard = Listening()
        made.start(heard)
        self.stores.append(made)
        return made, heard

    @inlineCallbacks
    def until(self, holds: Callable[[], object], what: str = "it") -> Any:
        """Wait until something holds."""
        for _ in range(round(PATIENCE / STEP)):
            if holds():
                return
            yield deferLater(reactor, STEP)
        self.fail(f"{what} did not come about: {[one.status() for one in self.stores]}")

    @inlineCallbacks
    def say(self, number: int, stores: list[EtcdStore], ears: list[Listening]) -> Any:
        """Have each say something new at each interval, until all have heard it."""
        wanted: dict[str, bytes] = {}
        next_at = 0.0

        def heard() -> bool:
            nonlocal next_at
            if all(wanted.items() <= ear.values.items() for ear in ears) and wanted:
                return True
            if reactor.seconds() >= next_at:
                next_at = reactor.seconds() + INTERVAL
                for place, store in enumerate(stores):
                    value = f"{number} at {next_at}".encode()
                    wanted[f"by/ns{place}/live"] = value
                    store.publish(f"by/ns{place}/live", value)
            return False

        yield self.until(heard, f"round {number}")


class EtcdTests(EtcdCase):
    """Two servers on one cluster."""

    @inlineCallbacks
    def test_failures(self) -> Any:
        """Kill, stop, lose the quorum, wipe: what is said afterwards is heard."""
        (one, hears_one), (two, hears_two) = self.store("ns0"), self.store("ns1")
        stores, ears = [one, two], [hears_one, hears_two]
        yield self.say(1, stores, ears)
        self.cluster.kill(0)
        yield self.say(2, stores, ears)
        self.cluster.start(0)
        yield self.say(3, stores, ears)
        self.cluster.signal(1, signal.SIGSTOP)
        yield self.say(4, stores, ears)
        self.cluster.signal(1, signal.SIGCONT)
        yield self.say(5, stores, ears)
        self.cluster.kill(0)
        self.cluster.kill(1)
        one.publish("by/ns0/live", b"6")
        yield deferLater(reactor, 2.0)
        self.cluster.start(0)
        self.cluster.start(1)
        yield self.say(7, stores, ears)
        self.cluster.wipe()
        self.cluster.start_all()
        yield self.say(8, stores, ears)
        for store in stores:
            self.assertGreaterEqual(store.status().counters["watch_restored"], 1)

    @inlineCallbacks
    def test_orders_and_leaving(self) -> Any:
        """A shared key changes from the revision that was known; leases end."""
        (one, hears_one), (two, hears_two) = self.store("ns0"), self.store("ns1")
        yield self.say(1, [one, two], [hears_one, hears_two])
        first = yield one.give("orders/p/a", b"drain", 0)
        yield self.until(lambda: hears_two.values.get("orders/p/a") == b"drain")
        stale = yield self.assertFailure(two.give("orders/p/a", b"up", 0), StaleError)
        self.assertEqual((stale.revision, stale.value), (first, b"drain"))
        second = yield two.give("orders/p/a", b"up", first)
        self.assertGreater(second, first)
        yield two.give("orders/p/a", None, second)
        yield self.until(lambda: "orders/p/a" not in hears_one.values)
        yield two.stop(True)
        yield self.until(lambda: "by/ns1/live" in hears_one.gone)
        for number in range(NODES):
            self.cluster.signal(number, signal.SIGSTOP)
        before = reactor.seconds()
        yield one.stop(True)
        self.assertLess(reactor.seconds() - before, 1.8)


class AuthTests(EtcdCase):
    """A cluster with users: what a server's role may do, and what happens without."""

    @inlineCallbacks
    def ask(self, path: str, **body: object) -> Any:
        """Have an administrator do something, as soon as there is a leader."""
        login = ("root", "secret") if self.guarded else None
        for _ in range(round(PATIENCE / STEP)):
            # One that keeps a connection may do so after the test has ended.
            agent = agent_of(reactor, HTTPConnectionPool(reactor, persistent=False))
            client = EtcdClient(
                reactor, agent, self.cluster.endpoints, random.Random(3), login, 2.0
            )
            try:
                told = yield ensureDeferred(client.call(path, body))
            except StoreError as error:
                # What had no answer in time may have been done all the same.
                told = {} if "already" in str(error) else None
            yield deferLater(reactor, STEP)
            if told is not None:
                return told
        self.fail(f"{path} was refused")

    @inlineCallbacks
    def guard(self) -> Any:
        """Let the user `ns0` read all of the fleet, and write what it owns."""
        self.guarded = False
        ours = encoded(b"/dinamed/test/")
        own = encoded(b"/dinamed/test/by/ns0/")
        yield self.ask("/v3/auth/user/add", name="root", password="secret")
        yield self.ask("/v3/auth/user/grant", user="root", role="root")
        yield self.ask("/v3/auth/user/add", name="ns0", password="word")
        yield self.ask("/v3/auth/role/add", name="server")
        for kind, first, last in (
            ("READ", ours, encoded(b"/dinamed/test0")),
            ("WRITE", own, encoded(b"/dinamed/test/by/ns00")),
        ):
            perm = {"permType": kind, "key": first, "range_end": last}
            yield self.ask("/v3/auth/role/grant", name="server", perm=perm)
        yield self.ask("/v3/auth/user/grant", user="ns0", role="server")
        yield self.ask("/v3/auth/enable")
        self.guarded = True

    def until_why(self, store: EtcdStore, why: str) -> Any:
        """Wait until that is what a store says is wrong."""
        return self.until(lambda: why in store.status().why, why)

    @inlineCallbacks
    def test_users(self) -> Any:
        """The right one may; a wrong password and a foreign key are told of."""
        yield self.guard()
        good, hears = self.store("ns0", ("ns0", "word"))
        bad, _ = self.store("ns1", ("ns0", "wrong"))
        nobody, _ = self.store("ns2")
        yield self.say(1, [good], [hears])
        yield self.assertFailure(good.give("orders/p/a", b"drain", 0), StoreError)
        for store, why in ((bad, "password"), (nobody, "user name is empty")):
            yield self.until_why(store, why)
            self.assertFalse(store.status().connected)
        # Tokens die when users change; the watch and the lease go on.
        yield self.ask("/v3/auth/user/add", name="other", password="x")
        yield self.say(2, [good], [hears])
